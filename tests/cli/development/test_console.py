import pytest

from mailsetup.cli.development.console import LogErrors, Watch
from mailsetup.cli.development.supervision import State


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "web.log"
    path.write_text("2026-11-21 [error    ] from_an_earlier_run\n")
    return path


def append(path, text):
    with path.open("a") as file:
        file.write(text)


def test_it_shows_errors_and_nothing_else(log):
    errors = LogErrors(log)
    append(
        log, '2026 [info     ] fine\n2026 [error    ] job_failed\n{"level": "critical"}\n[7] [ERROR] worker timeout\n'
    )
    assert errors.new() == ["2026 [error    ] job_failed", '{"level": "critical"}', "[7] [ERROR] worker timeout"]
    assert errors.new() == []


def test_it_shows_a_traceback_whole(log):
    errors = LogErrors(log)
    trace = ["Traceback (most recent call last):", '  File "x.py", line 1', "    boom()", "ValueError: no"]
    append(log, "fine\n" + "\n".join(trace) + "\nfine again\n")
    assert errors.new() == trace


def test_it_waits_for_the_end_of_a_line(log):
    errors = LogErrors(log)
    append(log, "[error] half")
    assert errors.new() == []
    append(log, " and half\n")
    assert errors.new() == ["[error] half and half"]


def test_it_starts_anew_when_the_file_was_rotated(log):
    errors = LogErrors(log)
    log.write_text("[error] new\n")
    assert errors.new() == ["[error] new"]


def test_it_tells_of_a_failing_process_once_and_of_its_return(log):
    said: list[str] = []
    watch = Watch(log.parent, ["web"], said.append)
    watch.look([State("web", "RUNNING", 7, "")])
    append(log, "out of luck\n")
    for _ in range(3):
        watch.look([State("web", "BACKOFF", 0, "Exited too quickly")])
    watch.look([State("web", "RUNNING", 8, "")])
    assert [line for line in said if line.startswith("web")] == [
        "web ended unexpectedly (Exited too quickly) and is started again. It said last, in web.log:",
        "web runs again.",
    ]
    assert "    out of luck" in said


def test_it_tells_of_a_process_that_was_replaced_between_two_looks(log):
    said: list[str] = []
    watch = Watch(log.parent, ["web"], said.append)
    watch.look([State("web", "RUNNING", 7, "")])
    watch.look([State("web", "RUNNING", 8, "")])
    assert said == ["web runs again."]


def test_it_says_when_a_process_is_given_up(log):
    said: list[str] = []
    watch = Watch(log.parent, ["web"], said.append)
    for word in ("BACKOFF", "FATAL", "FATAL"):
        watch.look([State("web", word, 0, "")])
    assert said[-1] == "web failed 20 times and is not tried again: stop with Ctrl-C, then make run."
