"""Accounts: making one, proving that it is yours, changing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core import walls
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput
from mailsetup.workspaces import audit, sessions
from mailsetup.workspaces.addresses import normal_address
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.locales import zones
from mailsetup.workspaces.models import Member, User
from mailsetup.workspaces.names import clean_name
from mailsetup.workspaces.passwords import check_password, hash_password, outdated, verify_password

NAMELESS = "Say what your name is; colleagues will see it."
TAKEN = "There is already an account with this address. Sign in instead."
RESERVED = "This address belongs to an operator of this service; its account is made on the server."


@dataclass(frozen=True)
class NewPerson:
    """Answers that were checked, and the hash of the password instead of it."""

    email: str
    name: str
    password_hash: str
    timezone: str = ""


class AddressTaken(InvalidInput):
    """Somebody has this address."""

    def __init__(self) -> None:
        super().__init__({"email": TAKEN})


def create_user(
    session: Session, *, email: str, name: str, password: str, timezone: str = "", trusted: bool = False
) -> User:
    """A new person; only a `trusted` caller may make an operator's account. Raises InvalidInput by field."""
    person = check_person(email=email, name=name, password=password, timezone=timezone, trusted=trusted)
    return add_user(session, person)


def check_person(*, email: str, name: str, password: str, timezone: str = "", trusted: bool = False) -> NewPerson:
    """The answers of somebody new; `timezone` is what the browser says, and left out when it is not in our list.

    Raises InvalidInput by field.
    """
    values = check_all(person_checks(email=email, name=name, password=password))
    # Nobody proves an address at sign-up, and an operator's address opens every workspace's health.
    if not trusted and values["email"] in settings.current().operator_emails:
        raise InvalidInput({"email": RESERVED})
    zone = timezone if timezone in zones() else ""
    return NewPerson(values["email"], values["name"], hash_password(password), zone)


def add_user(session: Session, person: NewPerson) -> User:
    """The person, stored. Raises AddressTaken."""
    if find_user(session, person.email) is not None:
        raise AddressTaken
    user = User(**asdict(person))
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        # Two forms sent at once: the unique address decides, not our look-up.
        raise AddressTaken from error
    return user


def person_checks(*, email: str, name: str, password: str) -> dict[str, Callable[[], str]]:
    """What must hold of a new person, by field."""
    return {
        "name": lambda: clean_name(name, field="name", missing=NAMELESS),
        "email": lambda: normal_address(email),
        "password": lambda: check_password(password, email=email, name=name),
    }


def check_all(checks: dict[str, Callable[[], str]]) -> dict[str, str]:
    """The value of each check. Raises InvalidInput with everything that is wrong."""
    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    for field, check in checks.items():
        try:
            values[field] = check()
        except InvalidInput as error:
            errors.update(error.fields)
    if errors:
        raise InvalidInput(errors)
    return values


def find_user(session: Session, email: str) -> User | None:
    """The person with this (normalised) address."""
    return session.scalars(select(User).where(User.email == email)).one_or_none()


def authenticate(session: Session, *, email: str, password: str) -> User | None:
    """The person whose address and password these are; a wrong address takes as long as a wrong password."""
    user = find_user(session, _address_or_nothing(email))
    if not verify_password(user.password_hash if user else None, password) or user is None:
        return None
    if outdated(user.password_hash):
        user.password_hash = hash_password(password)
    return user


def note_sign_in(session: Session, user: User, *, detail: Mapping[str, str] | None = None) -> None:
    """Writes down that the person is in, once everything asked of them was shown."""
    user.last_sign_in_at = utcnow()
    record_of_person(session, user, "user:sign-in", detail=detail)


def _address_or_nothing(email: str) -> str:
    try:
        return normal_address(email)
    except InvalidInput:
        return ""


def change_password(session: Session, user: User, *, current: str, new: str) -> None:
    """Sets a new password and ends every session of the person. Raises InvalidInput by field.

    Who signs in elsewhere and has none yet gives no current one: the caller asks for a fresh proof.
    """
    if user.password_hash and not verify_password(user.password_hash, current):
        raise InvalidInput({"current_password": "This is not your current password."})
    set_password(session, user, new, field="new_password")


def set_password(session: Session, user: User, password: str, *, field: str = "password") -> None:
    """Sets a password without asking for the old one. Raises InvalidInput at `field`."""
    check_password(password, email=user.email, name=user.name, field=field)
    user.password_hash = hash_password(password)
    sessions.end_all(session, user.id)
    record_of_person(session, user, "user:change-password")


def actor_of(user: User) -> Actor:
    """The person as the audit trail names them."""
    return Actor(user.email, user.id)


def record_of_person(
    session: Session,
    user: User,
    action: str,
    *,
    actor: Actor | None = None,
    detail: Mapping[str, str | int] | None = None,
) -> None:
    """Writes what happened to a person's account into the trail of each of their workspaces."""
    with walls.across(session):
        mine = select(Member.workspace_id).where(Member.user_id == user.id)
        for workspace_id in session.scalars(mine).all():
            audit.record(
                session,
                workspace_id,
                actor=actor or actor_of(user),
                action=action,
                subject=user.email,
                subject_id=user.id,
                **(detail or {}),
            )
