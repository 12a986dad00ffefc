"""What is said of a sender's domain, against a DNS server on loopback."""

from __future__ import annotations

import pytest

from mailsetup.core.egress_dns import Names
from mailsetup.mail_services.sender_domain import report_on
from mailsetup.mail_services.sender_domain.words import FAULTS
from tests.fakes.dns_server import NameServer
from tests.mail_services.domains.records import CASES, MICROSOFT, WORLD, Case


@pytest.fixture
def lookup(names: NameServer):
    names.has(WORLD)
    return Names((("127.0.0.1", names.port),), seconds=5).records


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_says_what_is_true(case: Case, names: NameServer, lookup) -> None:
    names.has(case.zone)
    if case.failing:
        names.failing.update(
            case.failing if "." not in case.failing else {f"{label}{case.failing}" for label in LABELS}
        )
    advice = report_on(case.domain, case.host, lookup)["advice"]
    expected = case.expects.split()
    found = [one["state"] if wanted != "-" else "-" for one, wanted in zip(advice, expected, strict=False)]
    assert found == expected, advice
    assert case.says in " ".join(f"{one['title']} {one['text']}" for one in advice)
    assert not case.value or case.value in {one["value"] for one in advice}


LABELS = ("", "selector1._domainkey.", "selector2._domainkey.", "_dmarc.")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_gives_records_to_copy_that_put_an_end_to_the_fault(case: Case, names: NameServer, lookup) -> None:
    names.has(case.zone)
    first = report_on(case.domain, case.host, lookup)["advice"]
    for one in first:
        if one["value"]:
            kept = [text for text in names.zone.get((one["name"], "TXT"), []) if not text.lower().startswith("v=")]
            names.zone[one["name"], "TXT"] = [*kept, one["value"]]
    again = report_on(case.domain, case.host, Names((("127.0.0.1", names.port),), seconds=5).records)["advice"]
    for before, after in zip(first, again, strict=True):
        assert not before["value"] or after["state"] not in FAULTS or after["value"] != before["value"], after


def test_it_asks_each_question_once(names: NameServer, lookup) -> None:
    report_on("d.example", MICROSOFT, lookup)
    asked = [question for question in names.asked if question[1] != "SOA"]
    assert len(asked) == len(set(asked))
