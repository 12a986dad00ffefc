"""A person's second factor: codes of an authenticator app (TOTP, RFC 6238), asked for after the password."""

from __future__ import annotations

import hmac
import re
import uuid
from dataclasses import dataclass

import pyotp
import segno
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.core.redact import Secret
from mailsetup.workspaces import letters, recovery_codes, sessions
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.models import SecondFactor, User
from mailsetup.workspaces.sign_in import record_of_person

ISSUER = "mailsetup"
LABEL = "second-factor:"  # put before the person's id in the place that the secret is bound to
STEP_SECONDS = 30
DRIFT_STEPS = 1  # the clock of a telephone may be this far off, either way (RFC 6238 section 5.2)
APP, RECOVERY = "app", "recovery code"
WRONG = "This code is not right, or was used already. Wait for the next one, and check the clock of your device."
GONE = "Begin again: the key that this code belongs to is no longer there."
_SIX = re.compile(r"\d{6}")


@dataclass(frozen=True)
class Offer:
    """A key that is not on yet: to scan, to open on this device, or to type."""

    secret: Secret
    link: Secret
    picture: Secret

    @property
    def groups(self) -> str:
        """The key as people type it."""
        return " ".join(re.findall(".{4}", self.secret.reveal()))


def is_on(session: Session, user_id: uuid.UUID) -> bool:
    """Whether the person is asked for a second factor."""
    return user_id in who_have_one(session, [user_id])


def who_have_one(session: Session, user_ids: list[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the people whose second factor is on."""
    on = select(SecondFactor.user_id).where(SecondFactor.confirmed_at.is_not(None))
    return set(session.scalars(on.where(SecondFactor.user_id.in_(user_ids))))


def begin(session: Session, user: User) -> None:
    """Makes a new key, in place of one that was never confirmed. Raises Conflict while one is on."""
    if is_on(session, user.id):
        raise Conflict("Your second factor is on already. Turn it off before you set up another one.")
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))
    key = pyotp.random_base32().encode()
    wrapped = settings.current().key_ring.wrap(key, workspace_id=f"{LABEL}{user.id}")
    session.add(SecondFactor(user_id=user.id, wrapped=wrapped))
    session.flush()


def offered(session: Session, user: User) -> Offer | None:
    """The key that waits for its first code, if there is one."""
    row = session.get(SecondFactor, user.id)
    if row is None or row.confirmed_at is not None:
        return None
    app = _app(row)
    link = app.provisioning_uri(name=user.email, issuer_name=ISSUER)
    picture = segno.make(link, error="m", micro=False).svg_data_uri(scale=4, border=3, light="#fff", dark="#000")
    return Offer(Secret(app.secret), Secret(link), Secret(picture))


def confirm(session: Session, user: User, typed: str) -> list[Secret]:
    """Turns the second factor on and gives the recovery codes, this once. Raises InvalidInput at `code`."""
    row = session.get(SecondFactor, user.id)
    if row is None or row.confirmed_at is not None:
        raise InvalidInput({"code": GONE})
    if not _use_code(session, row, typed):
        raise InvalidInput({"code": WRONG})
    row.confirmed_at = utcnow()
    codes = recovery_codes.replace(session, user.id)
    record_of_person(session, user, "user:second-factor-on")
    _tell(session, user, "on")
    return codes


def check(session: Session, user: User, typed: str) -> str:
    """Which way the code proves the person: APP, RECOVERY, or blank when it proves nothing; it is used up."""
    row = session.get(SecondFactor, user.id)
    if row is None or row.confirmed_at is None:
        return ""
    if _use_code(session, row, typed):
        return APP
    if not recovery_codes.use(session, user.id, typed):
        return ""
    left = recovery_codes.left(session, user.id)
    record_of_person(session, user, "user:use-recovery-code", detail={"left": left})
    _tell(session, user, "recovery-code", left=left)
    return RECOVERY


def new_codes(session: Session, user: User) -> list[Secret]:
    """Ten new recovery codes in place of all before. Raises Conflict without a second factor."""
    if not is_on(session, user.id):
        raise Conflict("Set up a second factor first.")
    codes = recovery_codes.replace(session, user.id)
    record_of_person(session, user, "user:new-recovery-codes")
    _tell(session, user, "new-codes")
    return codes


def turn_off(session: Session, user: User, *, actor: Actor | None = None) -> None:
    """Takes the second factor and the recovery codes away and ends every session; by the person unless said."""
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))
    recovery_codes.forget(session, user.id)
    sessions.end_all(session, user.id)
    record_of_person(session, user, "user:second-factor-off", actor=actor)
    _tell(session, user, "off", by_operator=actor is not None)


def warn_of_guessing(session: Session, user: User) -> None:
    """Somebody knew the password and not the code: the person and the audit trail hear of it."""
    record_of_person(session, user, "user:wrong-codes", actor=Actor("somebody with the password"))
    letters.write(session, letters.WRONG_CODES, user.email, user_id=user.id)


def _app(row: SecondFactor) -> pyotp.TOTP:
    key = settings.current().key_ring.unwrap(row.wrapped, workspace_id=f"{LABEL}{row.user_id}")
    return pyotp.TOTP(key.decode(), interval=STEP_SECONDS)


def _use_code(session: Session, row: SecondFactor, typed: str) -> bool:
    """Whether it is the code of a time step near now, later than every step used before (RFC 6238 section 5.2)."""
    code = "".join(typed.split())
    if not _SIX.fullmatch(code) or not code.isascii():
        return False
    app, now = _app(row), int(utcnow().timestamp()) // STEP_SECONDS
    steps = range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
    fitting = [step for step in steps if hmac.compare_digest(app.generate_otp(step), code)]
    return any(_use_step(session, row.user_id, step) for step in fitting)


def _use_step(session: Session, user_id: uuid.UUID, step: int) -> bool:
    # Check and act in one statement: of two requests with one code, one gets in.
    later = update(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
    result = session.execute(later.values(last_step=step))
    return isinstance(result, CursorResult) and result.rowcount == 1


def _tell(session: Session, user: User, what: str, **facts: object) -> None:
    letters.write(session, letters.ACCOUNT_NOTICE, user.email, user_id=user.id, detail={"what": what, **facts})
