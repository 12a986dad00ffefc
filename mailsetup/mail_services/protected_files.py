"""Opens key files with a password in a process of their own, with little time and memory.

Such a file says itself how often the password is hashed and in how much memory (RFC 8018, RFC 7914): one made for it
would keep a web process busy for half an hour.
"""

from __future__ import annotations

import base64
import json
import resource
import subprocess  # nosec B404 - ourselves, with fixed arguments
import sys
from pathlib import Path

from mailsetup.core.redact import Secret

CPU_SECONDS = 2
WAITS = 20  # seconds, on a busy machine
MEMORY = 768 * 1024 * 1024
TOO_MUCH_WORK = (
    "The file takes too long to open: its password protection asks for far more work than usual. Export it again "
    "with the usual settings."
)
_TOP = Path(__file__).parents[2]


def opened(content: bytes, passphrase: str) -> tuple[Secret, str, str]:
    """Private key and certificate as PEM; or, in their place, the sentence why the file is refused."""
    asked = {"content": base64.b64encode(content).decode(), "passphrase": passphrase, "cpu": CPU_SECONDS}
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(  # noqa: S603 - ourselves, with fixed arguments  # nosec B603
            command, input=json.dumps(asked).encode(), capture_output=True, timeout=WAITS, cwd=_TOP, env={}, check=False
        )
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return Secret(""), "", TOO_MUCH_WORK
    return Secret(found["key"]), str(found["certificate"]), str(found["refused"])


def _child() -> None:
    from mailsetup.mail_services.certificates import CertificateRefused, read_here

    asked = json.loads(sys.stdin.buffer.read())
    resource.setrlimit(resource.RLIMIT_CPU, (asked["cpu"], asked["cpu"]))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = {"key": "", "certificate": "", "refused": ""}
    try:
        pair = read_here(base64.b64decode(asked["content"]), asked["passphrase"])
        found |= {"key": pair.private_key_pem.reveal(), "certificate": pair.certificate_pem}
    except CertificateRefused as error:
        found["refused"] = str(error)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _child()
