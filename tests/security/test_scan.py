"""The scanners' program: what it finds on a page, and that it says what is missing."""

from tests.security.scan import sqlmap
from tests.security.scan.calls import leaves
from tests.security.scan.entries import Entry
from tests.security.scan.explained import never_seen, unexplained
from tests.security.scan.forms import Page

PAGE = """
<a href="/audit?action=x">Audit</a>
<form method="post" action="/credentials/new"><input type="hidden" name="csrf_token" value="t">
  <input name="name"><select name="type"><option value="a">A<option value="b" selected>B</select>
  <textarea name="ca_pem"></textarea></form>
<button form="later" name="action" value="go">Go</button>
"""


def test_it_reads_every_field_of_a_form():
    page = Page("/here", PAGE)
    assert page.links == {"/audit?action=x"}
    form = page.forms[0]
    assert (form.action, form.method, form.fields["type"]) == ("/credentials/new", "POST", "b")
    assert set(form.fields) == {"csrf_token", "name", "type", "ca_pem"}


def test_it_lets_no_finding_pass_that_nobody_explained():
    known = "schemathesis: negative_data_rejection: POST /api/v1/messages/batch"
    assert unexplained([known, "sqlmap: GET q of /messages: B"]) == ["sqlmap: GET q of /messages: B"]
    assert never_seen([known], ["schemathesis"])
    assert not never_seen([], ["sqlmap"])


def test_it_names_a_parameter_that_sqlmap_left_out():
    entry = Entry("GET", "/messages", "messages.index", "query", {"q": "x", "status": "x"}, ("q", "status"))
    other = Entry("POST", "/tests", "tests.index", "form", {"status": "x"}, ("status",))
    said = (
        "[1/2] URL:\nGET http://localhost:1/messages?q=x&status=x\n"
        "[WARNING] GET parameter 'q' does not seem to be injectable\n"
        "[2/2] URL:\nGET http://localhost:1/tests\n"
        "[WARNING] POST parameter 'status' does not seem to be injectable\n"
    )
    assert sqlmap._left_out([entry, other], said) == [f"{entry} status"]


def test_it_gives_sqlmap_each_address_once_at_a_time():
    same = [Entry("POST", path, "tests.index", "header", {}, ("Cookie",)) for path in ("/tests", "/tests?again=1")]
    home = Entry("GET", "/", "home", "query")
    assert sqlmap._parts([*same, home]) == [[same[0], home], [same[1]]]


def test_it_knows_what_of_a_json_body_can_be_tested():
    body = {"to": ["a"], "metadata": {"order": "1"}, "messages": [{"text": "b"}]}
    assert list(leaves("", body)) == ["#1*", "order", "text"]
