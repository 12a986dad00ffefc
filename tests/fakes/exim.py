"""A real mail server: Debian's exim, in the foreground, as an ordinary user, on a free loopback port.

It demands STARTTLS, then AUTH (PLAIN or LOGIN), refuses one sender and one recipient by name,
and writes what it accepted into a maildir.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme

from tests import databases
from tests.ports import free_port

PROGRAM = "/usr/sbin/exim4"
CONFIGURATION = """
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
primary_hostname = mail.example.test
exim_user = {user}
exim_group = {group}
never_users =
deliver_drop_privilege = true
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts = *
tls_certificate = {folder}/server.pem
tls_privatekey = {folder}/server.pem
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_mail = check_mail
acl_smtp_rcpt = check_rcpt
message_size_limit = 5M
queue_only = false

begin acl
check_mail:
  deny message = 5.7.1 Sender refused
       senders = refused@example.test
  accept authenticated = *
  deny message = 5.7.0 Authentication required
check_rcpt:
  deny message = 5.1.1 No such user here
       local_parts = nobody
  accept authenticated = *
  deny message = 5.7.1 Relaying denied

begin routers
everything:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {folder}/maildir
  maildir_format
  create_directory
  user = {user}
  group = {group}
  envelope_to_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{login}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{login}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
"""


class Exim:
    """The running server: where it is, who may log in, what it took."""

    host = "localhost"

    def __init__(self, folder: Path, port: int, ca: trustme.CA) -> None:
        self.folder = folder
        self.port = port
        self.ca = ca
        self.login = "robot@example.test"
        self.password = secrets.token_hex(12)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        user = "Debian-exim" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        for name in ("spool", "log", "maildir"):
            (self.folder / name).mkdir()
        certificate = self.ca.issue_cert("localhost")
        pem = self.folder / "server.pem"
        pem.write_bytes(certificate.private_key_pem.bytes() + certificate.cert_chain_pems[0].bytes())
        if os.getuid() == 0:
            _give_away(self.folder, user)
        # Exim reads only a configuration that belongs to root or to whoever starts it.
        configuration = self.folder / "exim.conf"
        configuration.write_text(self._configuration(user))
        configuration.chmod(0o644)
        self.process = subprocess.Popen(
            [PROGRAM, "-C", str(configuration), "-bdf", "-q1m"],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "stderr").open("wb"),
        )
        self._wait()

    def _configuration(self, user: str) -> str:
        group = "Debian-exim" if user == "Debian-exim" else user
        return CONFIGURATION.format(
            program=PROGRAM,
            folder=self.folder,
            user=user,
            group=group,
            port=self.port,
            login=self.login,
            password=self.password,
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=2) as client:
                    client.noop()
                    return
            except OSError:
                time.sleep(0.02)
        log = self.folder / "log" / "mainlog"
        raise AssertionError(log.read_text() if log.exists() else "exim did not start")

    def mails(self) -> list[EmailMessage]:
        """What was delivered, oldest first."""
        files = sorted((self.folder / "maildir" / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)


def _give_away(folder: Path, user: str) -> None:
    shutil.chown(folder, user)
    for path in folder.rglob("*"):
        shutil.chown(path, user)


@pytest.fixture(scope="session")
def exim_ca() -> trustme.CA:
    """Who signs exim's certificate."""
    return trustme.CA()


@pytest.fixture(scope="session")
def exim(exim_ca: trustme.CA) -> Iterator[Exim]:
    """A real exim; its certificate is signed by `exim_ca`."""
    if not Path(PROGRAM).exists():
        databases.missing("exim4")
    # Not among pytest's folders: exim runs as a user of its own, who may not pass through those.
    with tempfile.TemporaryDirectory(prefix="mailsetup-exim-") as folder:
        Path(folder).chmod(0o755)
        server = Exim(Path(folder), free_port(), exim_ca)
        server.start()
        yield server
        server.stop()
