"""The last good test beside the first bad one."""

from mailsetup.diagnosis.comparison import Comparison, compare


def ends(conducted, server, **replies):
    server.replies.clear()
    server.replies.update(replies)
    return conducted()


def compared(*runs) -> Comparison:
    found = compare(list(runs))
    assert found is not None
    return found


def test_it_has_nothing_to_compare_while_all_is_well(conducted, server):
    bad, good = ends(conducted, server, RCPT="550 5.1.1 no"), ends(conducted, server)
    assert compare([good, bad]) is None
    assert compare([bad]) is None
    assert compare([]) is None


def test_it_puts_the_first_that_failed_beside_the_last_that_passed(conducted, server):
    good, first, second = ends(conducted, server), *(ends(conducted, server, AUTH="535 5.7.8 no") for _ in "12")
    found = compared(second, first, good)
    assert (found.good, found.bad, found.stage) == (good, first, "Signing in")
    assert found.differences == ()


def test_it_names_what_differs(conducted, server, values):
    good = ends(conducted, server)
    server.replies.update({"greeting": "220 another.test ESMTP", "AUTH": "535 5.7.8 no"})
    bad = conducted(settings={**values["settings"], "from_name": "Somebody else"})
    bad.worker = "another-machine, process 1"
    found = {one.label: (one.good, one.bad) for one in compared(bad, good).differences}
    assert found["From name"] == ("Northwind", "Somebody else")
    assert found["How the server introduces itself"] == ("220 mail.test ESMTP ready", "220 another.test ESMTP")
    assert found["Run by"][1] == "another-machine"


def test_it_says_that_the_password_is_another_one(conducted, server):
    good = ends(conducted, server)
    bad = ends(conducted, server, AUTH="535 5.7.8 no")
    bad.credential_version = 2
    assert {one.label: one.bad for one in compared(bad, good).differences} == {"Credential": "version 2"}
