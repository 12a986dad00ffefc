"""`flask --app app explain`, as support types it: on any machine, without settings, database or Redis."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailsetup.cli.bare import bare_app, needs_no_settings
from mailsetup.cli.explain import explain
from mailsetup.mail_services.hints import CHANNELS
from tests.mail_services.hints.cases import table

TOP = Path(__file__).parents[2]
KEYS = ["cause", "title", "explanation", "steps", "who_acts", "permanent", "confidence"]


def typed(*arguments, raw="") -> str:
    result = CliRunner().invoke(explain, arguments, input=raw)
    assert result.exit_code == 0, result.output
    return result.output


def test_it_works_where_nothing_is_set_up(tmp_path):
    command = [sys.executable, "-m", "flask", "--app", str(TOP / "app.py"), "explain", "--channel", "entra_token"]
    ran = subprocess.run(
        [*command, "--http-status", "401", "--kind", "graph_client_credentials"],
        input=b'{"error":"invalid_client","error_description":"AADSTS7000222: expired"}',
        env={"PYTHONPATH": str(TOP)}, cwd=tmp_path, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    found = json.loads(ran.stdout)
    assert list(found)[: len(KEYS)] == KEYS
    assert (found["cause"], found["who_acts"], found["permanent"]) == ("client_secret_expired", "microsoft_admin", True)


def test_it_fills_in_what_it_is_told():
    raw = "smtplib.SMTPServerDisconnected: Connection unexpectedly closed: timed out"
    output = typed("--channel", "smtp_exception", "--host", "smtp.example.com", "--port", "465", raw=raw)
    assert json.loads(output)["steps"] == ["Choose TLS: TLS from the start for port 465, or port 587 with STARTTLS."]


@pytest.mark.parametrize("channel", CHANNELS)
def test_it_takes_every_channel_and_any_bytes(channel):
    assert json.loads(typed("--channel", channel, raw=b"\xff\xfe\x00\xd8 535"))["steps"]


def test_it_tells_the_channel_by_the_words():
    assert json.loads(typed(raw="AADSTS50076: MFA"))["cause"] == "mfa_needed"


def test_it_refuses_a_channel_it_does_not_know():
    assert CliRunner().invoke(explain, ["--channel", "telex"]).exit_code == 2


def test_it_explains_a_line_at_a_time_in_order():
    asked = [{name: row.get(name) for name in ("channel", "raw", "http_status", "context")} for row in table("network")]
    output = typed("--jsonl", raw="\n".join(json.dumps(line) for line in asked))
    assert [json.loads(line)["cause"] for line in output.splitlines()] == [row["cause"] for row in table("network")]


BAD_LINES = (
    *("", "no", "[1]", "7", "null", '"x"', "{}", '{"raw":"x"}', '{"channel":"telex","raw":"x"}', '{"channel":"tls"}'),
    *('{"channel":["tls"],"raw":"x"}', '{"channel":"tls","raw":null}', '{"channel":"tls","raw":"x","context":[1]}'),
    *('{"channel":"tls","raw":"x","http_status":"many"}', '{"channel":"tls","raw":"x","http_status":true}'),
    "[" * 9999,
)


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_stops_nothing(line):
    good = '{"channel":"tls","raw":"certificate has expired"}'
    first, second, third = (
        json.loads(answer) for answer in typed("--jsonl", raw=f"{good}\n{line}\n{good}").splitlines()
    )
    assert (first["cause"], list(second), third["cause"]) == ("tls_certificate_expired", ["error"], first["cause"])


def test_it_shows_no_secret_of_the_context():
    line = {"channel": "smtp_reply", "raw": "535 no: hunter-the-22nd", "context": {"password": "hunter-the-22nd"}}
    assert "hunter-the-22nd" not in typed("--jsonl", raw=json.dumps(line))


def test_it_takes_a_status_as_text_and_an_answer_as_an_object():
    line = {"channel": "graph_http", "raw": {"error": {"code": "New"}}, "http_status": "403"}
    assert json.loads(typed("--jsonl", raw=json.dumps(line)))["cause"] == "graph_access_denied"


@pytest.mark.parametrize(
    ("arguments", "bare"),
    [
        (["/x/bin/flask", "--app", "app", "explain", "--channel", "tls"], True),
        (["/x/flask/__main__.py", "-A", "app", "--debug", "explain"], True),
        (["flask", "explain"], True),
        (["flask", "--app", "explain", "doctor"], False),
        (["flask", "--app", "app"], False),
        (["gunicorn", "app:app", "explain"], False),
        ([], False),
    ],
)
def test_the_rest_of_the_product_is_left_out_for_this_command_only(arguments, bare):
    assert needs_no_settings(arguments) is bare


def test_the_bare_application_explains_and_serves_nothing():
    assert "explain" in bare_app().cli.commands
    assert bare_app().test_client().get("/").status_code == 404


def test_the_whole_application_explains_too(app):
    answer = app.test_cli_runner().invoke(args=["explain", "--channel", "tcp"], input="Connection refused")
    assert json.loads(answer.output)["cause"] == "connection_refused"
