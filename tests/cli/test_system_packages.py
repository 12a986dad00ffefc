import pytest

from mailsetup.cli import system_packages
from mailsetup.cli.system_packages import Program


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without chromium, whose apt-get installs it, if it may be run at all."""
    installed = tmp_path / "chromium"
    apt = tmp_path / "apt"
    apt.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$1" = install ] && touch {installed}\nexit 0\n')
    apt.chmod(0o755)
    monkeypatch.setattr(system_packages, "PROGRAMS", (Program("chromium", "the pages", installed.exists),))
    monkeypatch.setattr(system_packages, "apt_get", lambda: [str(apt)])
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


def test_it_installs_what_is_missing_and_then_rests(machine):
    assert system_packages.main() == 0
    assert "install -y -qq --no-install-recommends chromium" in (machine / "calls").read_text()
    (machine / "calls").unlink()
    assert system_packages.main() == 0
    assert not (machine / "calls").exists()


def test_it_says_what_goes_untested_when_it_may_not_install(machine, monkeypatch, capsys):
    monkeypatch.setattr(system_packages, "apt_get", lambda: None)
    assert system_packages.main() == 0
    said = capsys.readouterr().out
    assert "chromium is missing and cannot be installed here; not tested: the pages." in said
    assert "sudo apt-get install chromium" in said


def test_it_fails_under_ci_when_something_stays_missing(machine, monkeypatch):
    monkeypatch.setattr(system_packages, "apt_get", lambda: None)
    monkeypatch.setenv("CI", "true")
    assert system_packages.main() == 1
