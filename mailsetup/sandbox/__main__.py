"""`python -m mailsetup.sandbox`: the sandbox as a process of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from mailsetup.core.errors import SettingsError
from mailsetup.sandbox.server import Sandbox, refuse_production

DEFAULT_PORTS = {
    "http_port": 8025,
    "https_port": 8443,
    "outlook_smtp": 8587,
    "smtp_starttls": 8588,
    "smtp_tls": 8465,
    "smtp_plain": 8026,
    "operator_smtp": 8027,
}


def main(arguments: list[str] | None = None) -> int:
    """Starts the sandbox, says where it is, and runs until SIGTERM or SIGINT."""
    options = _parser().parse_args(arguments)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    try:
        refuse_production()
        ports = {name: getattr(options, name) for name in DEFAULT_PORTS}
        with Sandbox(options.folder, ports, redirect_uri=options.redirect_uri) as box:
            for more in options.another_redirect_uri:
                box.world.add_redirect_uri(more)
            _say("\n".join(f"{name} {value}" for name, value in box.addresses().items()))
            ending.wait()
    except (SettingsError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mailsetup.sandbox", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/sandbox"), help="where it keeps its state")
    parser.add_argument("--redirect-uri", help="registered with the apps of the small world")
    parser.add_argument("--another-redirect-uri", action="append", default=[], help="registered as well")
    for name, port in DEFAULT_PORTS.items():
        flag = name if name.endswith("_port") else f"{name}_port"
        parser.add_argument(f"--{flag.replace('_', '-')}", dest=name, type=int, default=port, help="0: a free one")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
