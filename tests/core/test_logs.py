"""What a log line may hold, whatever failed."""

import secrets

import pytest
import structlog

from mailsetup.core import logs


@pytest.fixture(params=[False, True], ids=["json", "pretty"])
def pretty(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def logged(capsys: pytest.CaptureFixture[str], error: Exception, *, pretty: bool) -> str:
    logs.configure(pretty=pretty)
    try:
        raise RuntimeError(f"around it: {error}") from error
    except RuntimeError as raised:
        structlog.get_logger().error("page_failed", exc_info=raised)
    return capsys.readouterr().err


def test_it_keeps_tokens_out_of_tracebacks(capsys, pretty):
    token = f"eyJ{secrets.token_hex(20)}.{secrets.token_hex(20)}.{secrets.token_hex(20)}"
    line = logged(capsys, ValueError(f"the service said: Bearer {token}"), pretty=pretty)
    assert "page_failed" in line
    assert "RuntimeError" in line
    assert token not in line


def test_it_shows_no_values_of_local_variables(capsys, pretty):
    password = secrets.token_hex(16)
    assert password not in logged(capsys, ValueError("login refused"), pretty=pretty)
