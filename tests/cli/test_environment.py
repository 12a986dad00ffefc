"""The bootstrap of .venv; pip itself is stood in for by a script that writes down how it was called."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mailsetup.cli import environment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path, monkeypatch):
    for lock in environment.LOCKS:
        (tmp_path / lock).write_text("flask==3.1.3 \\\n    --hash=sha256:0\n")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "STAMP", tmp_path / ".venv" / "installed.json")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    (tmp_path / "Makefile").touch()
    return tmp_path


@pytest.fixture
def pip(root):
    """A .venv whose python is a script: it notes its arguments, lists `flask` and `stray`, and ends with `code`."""
    script = root / ".venv" / "bin" / "python"
    script.parent.mkdir(parents=True)
    calls = root / "calls"

    def answer(code=0):
        script.write_text(
            f'#!/bin/sh\necho "$@" >> {calls}\n'
            'case "$*" in *" list "*) echo \'[{"name": "Flask"}, {"name": "stray"}, {"name": "pip"}]\';;\n'
            f'*" install "*) exit {code};; esac\n'
        )
        script.chmod(0o755)
        environment.STAMP.write_text(json.dumps({"python": environment._version()}))
        return calls

    return answer


def test_it_installs_with_hashes_removes_strays_and_then_rests(pip):
    calls = pip()
    assert environment.main("requirements.txt") == 0
    called = calls.read_text()
    assert "--require-hashes --requirement" in called
    assert called.splitlines()[-1].endswith("uninstall -qq --yes stray")
    calls.unlink()
    assert environment.main("requirements.txt") == 0
    assert not calls.exists()


def test_it_installs_again_when_the_lock_changes(pip, root):
    pip()
    environment.main("requirements-dev.txt")
    assert environment.is_current("requirements.txt")
    (root / "requirements.txt").write_text("flask==3.2.0 \\\n    --hash=sha256:1\n")
    assert not environment.is_current("requirements.txt")
    assert environment.is_current("requirements-dev.txt")


def test_it_says_what_to_do_when_packages_cannot_be_installed(pip, capfd):
    pip(code=1)
    assert environment.main("requirements.txt") == 1
    assert "check the network or the proxy" in capfd.readouterr().err
    assert not environment.is_current("requirements.txt")


def test_it_names_debians_package_when_venv_is_missing(root, monkeypatch, capfd):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("os.getuid", lambda: 1000)
    assert environment.main("requirements.txt") == 1
    assert f"sudo apt-get install python{environment._version()}-venv" in capfd.readouterr().err


def test_it_refuses_an_old_python_in_one_sentence(monkeypatch, capfd):
    monkeypatch.setattr(environment, "OLDEST", (9, 0))
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert environment.main("requirements.txt") == 1
    assert "needs Python 9.0 or newer" in capfd.readouterr().err


def test_it_makes_an_environment_that_works(root, monkeypatch):
    monkeypatch.setattr(environment, "VENV", root / ".venv")
    environment._create()
    assert environment._works()
    shown = subprocess.check_output([environment.PYTHON, "-c", "import sys; print(sys.prefix)"], text=True)
    assert Path(shown.strip()) == root / ".venv"


def test_it_needs_nothing_but_the_standard_library():
    for name in ("environment", "system_packages"):
        code = f"import runpy; runpy.run_path({str(ROOT / 'mailsetup/cli' / name)!r} + '.py')"
        subprocess.run([sys.executable, "-S", "-I", "-c", code], check=True, cwd="/")
