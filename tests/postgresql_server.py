"""A throwaway PostgreSQL cluster out of Debian's packages: own folder, unix socket only, no fsync."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

OWNER = "postgres"
APP_ROLE = "mailsetup"
OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "timezone": "UTC",
}


def programs() -> Path | None:
    """The folder of the newest server installed, if any."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else None


class Cluster:
    """One cluster and its server process; the server refuses to run as root, so root hands it to another user."""

    def __init__(self, bin_folder: Path) -> None:
        self.bin = bin_folder
        self.folder = Path(tempfile.mkdtemp(prefix="mailsetup-pg-"))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if os.getuid() == 0:
            owner = _unprivileged()
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        data = str(self.folder / "data")
        self._run(str(self.bin / "initdb"), "--no-sync", "-A", "trust", "-U", OWNER, "-E", "UTF8", "--locale=C", data)
        settings = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            _as_owner([str(self.bin / "postgres"), "-D", data, "-k", str(self.folder), *settings]),
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
        )
        self._wait_until_ready()
        with self.admin() as connection:
            # An ordinary role, as in production: a superuser would not be held by row-level security.
            connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS")

    def admin(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's connection, in autocommit."""
        return psycopg.connect(host=str(self.folder), user=OWNER, dbname=database, autocommit=True)

    def create_database(self, name: str) -> str:
        """A fresh database of the application's role; its URL."""
        with self.admin() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}" OWNER {APP_ROLE}')
        return f"postgresql+psycopg://{APP_ROLE}@/{name}?host={self.folder}"

    def stop(self) -> None:
        if self.process is not None:
            # SIGQUIT is PostgreSQL's immediate shutdown: nothing here is worth a checkpoint.
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, *command: str) -> None:
        done = subprocess.run(_as_owner(list(command)), capture_output=True, text=True, check=False, cwd=self.folder)
        if done.returncode:
            raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip() or done.stdout.strip()}")

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.admin().close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(OWNER)
    except KeyError:
        return pwd.getpwnam("nobody")


def _as_owner(command: list[str]) -> list[str]:
    # The parent-death signal survives a killed test run; setpriv sets it after the change of user, which clears it.
    setpriv = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
    if os.getuid() != 0:
        return [*setpriv, "--", *command] if setpriv else command
    owner = _unprivileged()
    return [*setpriv, f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "--", *command]
