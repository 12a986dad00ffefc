"""The product as processes with a fresh database and key ring, and two workspaces that must not see each other."""

from __future__ import annotations

import re
import secrets
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask import session as cookie
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.api.keys import SCOPES, create_key
from mailsetup.application import create_app
from mailsetup.core import db
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import MailsetupError
from mailsetup.sandbox import Sandbox
from mailsetup.workspaces import sessions
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.login import TOKEN, WORKSPACE
from mailsetup.workspaces.models import Member, UserSession
from mailsetup.workspaces.tokens import token_hash
from tests import factories
from tests.databases import create_tables
from tests.paths.product import Product
from tests.people import Person
from tests.postgresql_server import Cluster, programs
from tests.security.scan import links
from tests.valkey_server import ValkeyServer
from tests.walls import OBJECTS

# Named here and not imported: served.py is the product itself and starts when it is imported.
READ = "SCAN_PARAMETERS_READ"
ACCESS = "%(s)s %(m)s %(U)s"
ACCESS_LINE = re.compile(r"^(\d{3}) ([A-Z]+) (/\S*)", re.MULTILINE)
KEEP_SECONDS = 2
# A request that a quota refuses never comes to the code that is scanned.
QUOTAS = [f"MAILSETUP_QUOTA_{name}" for name in ("MESSAGES", "TESTS", "INVITATIONS", "WEBHOOKS")]


class Served(Product):
    """The product with an access log: what was asked is counted on our side, whatever a scanner says of itself."""

    def commands(self) -> dict[str, list[str]]:
        known = super().commands()
        served = ["tests.security.scan.served:app" if word == "app:app" else word for word in known["web"]]
        asked = ["--access-logfile", str(self.folder / "asked"), "--access-logformat", ACCESS]
        # A scanner's own delays are not to be taken for a worker that hangs.
        return {**known, "web": [*served, *asked, "--timeout", "120"]}


def address(name: str) -> str:
    """The owner of a side."""
    return f"{name}@northwind.example"


class Side:
    """One workspace: its owner, a key with every scope, and the word that is in everything it has."""

    def __init__(self, app: Flask, name: str) -> None:
        self.word = f"{name}-{secrets.token_hex(6)}"
        self.app = app
        self.made: dict[str, uuid.UUID] = {}
        with db.sessions()() as session:
            user = factories.make_user(session, name=self.word, email=address(name))
            workspace = factories.make_workspace(session, name=f"Workspace {self.word}", owner=user)
            _, key = create_key(session, workspace_id=workspace.id, actor=SYSTEM, name=self.word, scopes=list(SCOPES))
            session.commit()
            self.user_id, self.workspace_id, self.key = user.id, workspace.id, key.reveal()

    def person(self, session: Session) -> Person:
        """The owner as the makers of content take them."""
        mine = Member.workspace_id == self.workspace_id
        member = session.scalars(select(Member).where(Member.user_id == self.user_id, mine)).one()
        return Person(member.user, member.workspace, member, self.app.test_client())


def _cookie(app: Flask, name: str, known: dict[str, object]) -> tuple[str, str]:
    """The cookie, and what every form sends with it."""
    with app.test_request_context():
        cookie.update(known)
        token = str(generate_csrf())
        signer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert signer is not None
        return f"{name}={signer.dumps(dict(cookie))}", token


class Browser:
    """A signed-in browser of a side, and one of nobody: the cookie, and the token that every form sends."""

    def __init__(self, side: Side, name: str) -> None:
        with db.session_scope() as session:
            user = side.person(session).user
            _, token = sessions.begin(session, user, browser="A scanner", address="127.0.0.1")
        self.token, self.user_id = token.reveal(), side.user_id
        known = {TOKEN: self.token, "_fresh": True, WORKSPACE: str(side.workspace_id)}
        self.cookie, self.csrf = _cookie(side.app, name, known)
        self.stranger = _cookie(side.app, name, {})

    def keep(self, session: Session) -> None:
        """Signed in for good, with a proof that is fresh; a scanner that pressed Sign out comes back."""
        row = session.scalars(select(UserSession).where(UserSession.token_hash == token_hash(self.token))).one_or_none()
        if row is None:
            row = UserSession(user_id=self.user_id, token_hash=token_hash(self.token), browser="", address="")
            session.add(row)
        row.seen_at = row.proved_at = utcnow()
        row.expires_at = utcnow() + sessions.LONGEST


class Target:
    """What is scanned."""

    def __init__(self, folder: Path, product: Served, box: Sandbox) -> None:
        self.folder, self.product, self.box, self.url = folder, product, box, product.url
        self.app = create_app(settings.load(product.environ))
        self.ours, self.theirs = Side(self.app, "ours"), Side(self.app, "theirs")
        self.browsers: list[Browser] = []
        self.over = threading.Event()
        self.keeper = threading.Thread(target=self._keep, daemon=True)
        self.keeper.start()
        self._read = 0

    def browser(self, side: Side) -> Browser:
        """A browser that stays signed in while the target stands."""
        made = Browser(side, self.app.config["SESSION_COOKIE_NAME"])
        self.browsers.append(made)
        return made

    def _keep(self) -> None:
        while not self.over.wait(KEEP_SECONDS):
            try:
                with db.session_scope() as session:
                    for browser in self.browsers:
                        browser.keep(session)
                    links.renew(session)
            except SQLAlchemyError:
                continue  # the scanner changes the same row; in two seconds again

    def names(self) -> list[list[str]]:
        """What views looked for among the parameters: method, endpoint, query or form, name."""
        path = Path(self.product.environ[READ])
        found = path.read_text().splitlines() if path.exists() else []
        return [line.split(" ", 3) for line in sorted(found)]

    def asked(self) -> Counter[str]:
        """How often each status was answered since the last time somebody asked this."""
        path = self.product.folder / "asked"
        text = path.read_text(errors="replace")
        new, self._read = text[self._read :], len(text)
        return Counter(found.group(1) for found in ACCESS_LINE.finditer(new))

    def failed(self) -> list[str]:
        """Requests that were answered with 5xx, from the beginning."""
        text = (self.product.folder / "asked").read_text(errors="replace")
        wrong = Counter(f"{one[2]} {one[3]}: {one[1]}" for one in ACCESS_LINE.finditer(text) if one[1] >= "500")
        return [f"{what}, {count} times" for what, count in sorted(wrong.items())]


def known(session: Session, side: Side, wanted: Iterable[str] = tuple(OBJECTS)) -> dict[str, uuid.UUID]:
    """Fresh objects of a side, by the argument of a route; of what a workspace has enough of, the last one."""
    person = side.person(session)
    for name in wanted:
        try:
            side.made[name] = OBJECTS[name](session, person)
        except MailsetupError:
            session.rollback()
    return {name: side.made[name] for name in wanted}


@contextmanager
def standing(folder: Path, database: str) -> Iterator[Target]:
    """The product, started for as long as it is scanned."""
    valkey, cluster = ValkeyServer(folder / "valkey"), None
    valkey.start()
    if database == "postgresql":
        found = programs()
        if found is None:
            raise SystemExit("PostgreSQL is not installed.")
        cluster = Cluster(found)
        cluster.start()
    url = cluster.create_database("scanned") if cluster else f"sqlite:///{folder / 'scanned.db'}"
    create_tables(url)
    try:
        with Sandbox(folder / "sandbox") as box:
            yield from _started(folder, url, valkey.url, box)
    finally:
        valkey.kill()
        if cluster:
            cluster.stop()


def _started(folder: Path, url: str, redis_url: str, box: Sandbox) -> Iterator[Target]:
    product = Served(folder, database_url=url, redis_url=redis_url, box=box, ca_bundle=box.ca_file)
    box.world.add_redirect_uri(f"{product.url}/setup/microsoft/callback")
    product.environ[READ] = str(folder / "names")
    product.environ |= dict.fromkeys(QUOTAS, "1000000")
    product.environ["MAILSETUP_OPERATOR_EMAILS"] = address("ours")
    try:
        product.start()
        target = Target(folder, product, box)
        yield target
        target.over.set()
        target.keeper.join()
    finally:
        product.stop(kill=True)
