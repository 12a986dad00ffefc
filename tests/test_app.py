"""The start of web and commands: a wrong setting stops it with one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "command", [("flask", "--app", "app", "doctor"), ("gunicorn", "--bind", "127.0.0.1:0", "app:app")]
)
def test_it_says_one_sentence_when_a_setting_is_missing(command):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAILSETUP_")}
    program = [sys.executable, "-m", *command]
    ended = subprocess.run(program, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 3
    assert "MAILSETUP_DATABASE_URL is missing." in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
