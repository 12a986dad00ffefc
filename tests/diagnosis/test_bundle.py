"""What support gets: everything but secrets."""

import json

from mailsetup.diagnosis.bundle import support_bundle, support_json


def test_it_holds_what_support_asks_for_twice(conducted, server):
    server.replies["RCPT"] = "550 5.1.1 nobody here"
    run = conducted()
    facts, text = json.loads(support_json(run)), support_bundle(run)
    for wanted in (str(run.id), run.fingerprint, run.worker, "ar@northwind.example", "nobody here", "recipient"):
        assert wanted in text
        assert wanted in json.dumps(facts)
    assert facts["versions"]["msal"]
    assert [stage["name"] for stage in facts["stages"]] == [stage.name for stage in run.stages]


def test_it_holds_no_secret(conducted, server):
    [password] = server.logins.values()
    server.replies["AUTH"] = f"535 5.7.8 {password} is wrong"
    run = conducted()
    assert password not in support_bundle(run) + support_json(run)
