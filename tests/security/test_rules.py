"""Rules about our own source that no other checker knows; each names what to do instead."""

from __future__ import annotations

import ast

import pytest

from tests.core.egress_ways import WAYS
from tests.security import source

# Where raw SQL is the point of the module, each text a constant of ours.
RAW_SQL = ("mailsetup/core/db.py", "mailsetup/core/raw_sql.py", "mailsetup/core/walls.py", "mailsetup/cli/")
SECRET_WORDS = {"password", "token", "secret", "key"}


def named(call: ast.Call, name: str) -> ast.expr | None:
    return next((word.value for word in call.keywords if word.arg == name), None)


def test_it_evaluates_no_text():
    """Use a table of functions."""
    found = [
        place
        for name in ("eval", "exec", "compile", "__import__")
        for place, call in source.calls(name)
        if isinstance(call.func, ast.Name)
    ]
    assert found == []


def test_it_starts_no_shell():
    """Give a list of arguments."""
    with_shell = [
        place
        for name in ("run", "Popen", "call", "check_call", "check_output")
        for place, call in source.calls(name)
        if named(call, "shell") is not None
    ]
    assert with_shell + [place for name in ("system", "popen") for place, _ in source.calls(name)] == []


def test_it_builds_no_sql_from_texts():
    """Use SQLAlchemy's expressions; raw SQL is a constant, in the modules that are for it."""
    outside = [
        place
        for name in ("text", "exec_driver_sql", "literal_column")
        for place, call in source.calls(name)
        if call.args and isinstance(call.args[0], ast.JoinedStr | ast.BinOp) and not place.startswith(RAW_SQL)
    ]
    assert outside == []


def test_it_verifies_certificates_always():
    """Pass the context of the egress door."""
    off = [
        place
        for name in ("request", "get", "post", "Session", "PoolManager", "create_connection")
        for place, call in source.calls(name)
        for value in (named(call, "verify"), named(call, "cert_reqs"))
        if isinstance(value, ast.Constant) and value.value in {False, "CERT_NONE"}
    ]
    assert off + [place for place, _ in source.calls("_create_unverified_context")] == []


def test_it_takes_randomness_from_the_system():
    """Use `secrets`; `random` only spreads load."""
    weak = [
        place
        for name in ("choice", "choices", "randint", "randrange", "getrandbits", "sample", "shuffle")
        for place, call in source.calls(name)
        if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "random"
    ]
    assert weak == []


def test_it_marks_only_what_it_wrote_as_markup():
    """Let Jinja2 escape; Markup takes constants, or the few places that escape by themselves."""
    known = ("mailsetup/web/assets.py", "mailsetup/web/filters.py", "mailsetup/overview/chart.py")
    loose = [
        place
        for place, call in source.calls("Markup")
        if call.args and not isinstance(call.args[0], ast.Constant) and not place.startswith(known)
    ]
    assert loose == []


def test_it_reads_no_secret_from_an_address():
    """Take secrets from forms; addresses end in logs."""
    asked = [
        place
        for place, call in source.calls("get")
        if ast.unparse(call.func) == "request.args.get"
        and any(
            isinstance(arg, ast.Constant) and arg.value in {"password", "token", "secret", "key"} for arg in call.args
        )
    ]
    assert asked == []


def test_it_unpacks_no_xml_of_others():
    """Nothing here needs XML; a parser would bring entity attacks."""
    assert source.imports("xml", "lxml", "yaml") == []


@pytest.mark.parametrize("lock", sorted(source.TOP.glob("requirements*.txt")), ids=lambda path: path.stem)
def test_it_installs_only_what_a_lock_names_by_hash(lock):
    """Make the lock anew with `make lock`."""
    entries = lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    packages = [entry for entry in entries if entry.strip() and not entry.lstrip().startswith(("#", "--"))]
    assert packages
    assert [entry for entry in packages if "==" not in entry or "--hash=sha256:" not in entry] == []


# Where the product goes out, and by which way of those that are tried with every spelling of an address inside.
ENTRIES = {
    "door.connect": {"core/egress_http.py": "pool", "cli/doctor.py": "socket", "mail_services/dialing.py": "smtp",
                     "mail_services/reach.py": "reach"},
    "Server": {"mail_services/smtp_service.py": "smtp", "mail_services/operator_mail.py": "smtp",
               "mail_services/graph_service.py": "lane", "mail_services/discovery.py": "smtp"},
    "_WebServer": {"mail_services/webhooks.py": "signed"},
    "HttpLane": {"mail_services/graph_service.py": "lane", "mail_services/webhooks.py": "signed"},
    "http_pool": {"mail_services/graph_profile.py": "pool"},
    "msal_http_client": {"mail_services/microsoft.py": "token", "mail_services/discovery.py": "token"},
    "pool_through": {"core/egress.py": "pool", "core/egress_oauth.py": "discovery of an issuer"},
    "OAuthSession": {"workspaces/issuers.py": "token of an issuer"},
    "post_signed": {"alerts/notify.py": "signed", "events/jobs.py": "signed"},
    "post_json": {"alerts/notify.py": "chat", "mail_services/webhooks.py": "signed"},
    "door.names": {"mail_services/discovery.py": "names", "diagnosis/domains.py": "names"},
}  # fmt: skip
# Only where the operator's settings name the host, never a customer.
OF_THE_OPERATOR = {"alerts/notify.py", "workspaces/post.py"}


def _callers(called: str) -> set[str]:
    *holder, name = called.split(".")
    found = [(at, call) for at, call in source.calls(name) if not holder or _holder(call.func) in {"door", "_door"}]
    places = {at.partition(":")[0].removeprefix("mailsetup/") for at, _ in found}
    return {place for place in places if not place.startswith(("sandbox/", "gateway/"))}


def _holder(function: ast.expr) -> str:
    value = function.value if isinstance(function, ast.Attribute) else function
    return value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")


@pytest.mark.parametrize("called", ENTRIES)
def test_it_knows_every_place_that_goes_out(called):
    assert _callers(called) == set(ENTRIES[called])
    assert set(ENTRIES[called].values()) <= {*WAYS, "names"}


def test_only_hosts_of_the_operators_settings_may_be_anywhere():
    assert _callers("trusted") == OF_THE_OPERATOR
    assert _callers("Door") == {"platform.py"}
