"""P1, P2, P3, P13, P14: draining over SMTP, against a C program, smtplib and the naive design."""

from __future__ import annotations

import smtplib
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench import naive, servers
from bench.world import (
    World,
    drained,
    load_many,
    load_rows,
    make_setup,
    sample,
    sent,
    serving,
    smtp_sink,
    smtp_source,
)
from mailsetup.core import db
from mailsetup.mail_services.kinds.smtp_basic import SMTPBasic
from tests import factories
from tests.fakes.certificates import Authority

Pair = tuple[float, float]


def rate(world: World, port: int, count: int, **more: Any) -> float:
    """Messages a second of one worker, queued to recorded as sent."""
    world.fresh(**more.pop("environ", {}))
    load_rows(make_setup(port), count)
    seconds = drained(**more)
    assert sent() == count, f"{sent()} of {count} were sent"
    return count / seconds


def p1(world: World, count: int = 20_000) -> Pair:
    with smtp_sink() as port:
        return rate(world, port, count), smtp_source(port, count)


def naive_rate(world: World, port: int, count: int, kind: str) -> float:
    """Messages a second of the naive design's worker."""
    world.fresh()
    load_rows(make_setup(port), count, size=10_240)
    found = naive.rate(world.environ, port, kind)
    assert sent() == count, f"{sent()} of {count} were sent"
    return found


def p2_simple(world: World) -> Pair:
    with smtp_sink() as port:
        return rate(world, port, 5_000), naive_rate(world, port, 500, "simple")


def p2_fork(world: World) -> Pair:
    with smtp_sink() as port:
        return rate(world, port, 5_000), naive_rate(world, port, 60, "fork")


@contextmanager
def tls_sink() -> Iterator[tuple[int, Path]]:
    folder = Path(tempfile.mkdtemp(prefix="mailsetup-bench-tls-"))
    authority, listener = Authority(folder), servers.listen()
    with serving(partial(servers.smtp, listener, authority.server())):
        yield int(listener.getsockname()[1]), authority.bundle
    listener.close()


def p3(world: World, count: int = 5_000) -> Pair:
    with tls_sink() as (port, bundle):
        world.fresh(MAILSETUP_CA_BUNDLE=str(bundle))
        with db.sessions()() as session:
            workspace = factories.make_workspace(session)
            login = factories.make_credential(session, workspace)
            values = factories.smtp_settings(host="localhost", port=port, tls="starttls")
            config = factories.make_config(session, workspace, settings=values, credential=login)
        load_rows(config, count)
        ours = count / drained()
        assert sent() == count
        return ours, reused(port, count, ssl.create_default_context(cafile=str(bundle)))


def reused(port: int, count: int, context: ssl.SSLContext | None = None) -> float:
    """Messages a second of smtplib over one connection."""
    content = sample().as_bytes()
    with smtplib.SMTP("localhost", port) as server:
        if context:
            server.starttls(context=context)
            server.login("mailer", "secret")
        began = time.monotonic()
        for _ in range(count):
            server.sendmail("ar@northwind.example", ["customer@fabrikam.example"], content)
        return count / (time.monotonic() - began)


def p13(world: World, count: int = 300) -> Pair:
    sink, proxy = servers.listen(), servers.listen()
    port, far = (int(one.getsockname()[1]) for one in (sink, proxy))
    with serving(partial(servers.smtp, sink)), serving(partial(servers.delaying_proxy, proxy, port, 0.005)):
        one_lane = [(SMTPBasic, "connections_per_mailbox", 1)]
        pair = rate(world, far, count, patch=one_lane), reused(far, count // 3)
    sink.close()
    proxy.close()
    return pair


def p14(world: World, workspaces: int = 5_000) -> Pair:
    with smtp_sink() as port:
        world.fresh()
        load_many(port, workspaces, 1)
        ours = workspaces / drained()
        assert sent() == workspaces
        return ours, naive_rate(world, port, 500, "simple")
