"""A new password by mail, for who forgot theirs."""

from __future__ import annotations

from sqlalchemy.orm import Session

from mailsetup.core.errors import NotFound
from mailsetup.workspaces import letters
from mailsetup.workspaces.addresses import normal_address
from mailsetup.workspaces.models import User
from mailsetup.workspaces.sign_in import find_user, set_password


def ask(session: Session, email: str) -> str:
    """Writes a letter with a link if somebody has this address; else one to nobody, which takes as long.

    Raises InvalidInput at `email` for what is no address.
    """
    address = normal_address(email)
    user = find_user(session, address)
    letters.write(session, letters.RESET, address, user_id=user.id if user else None, silent=user is None)
    return address


def check(session: Session, token: str) -> User:
    """Whose password the link changes. Raises NotFound."""
    user = session.get(User, letters.find(session, letters.RESET, token).user_id)
    if user is None:
        raise NotFound(letters.UNUSABLE)
    return user


def set_new_password(session: Session, token: str, password: str) -> User:
    """Sets the password, uses the link up with all its like, ends every session. Raises NotFound, InvalidInput."""
    user = check(session, token)
    set_password(session, user, password)
    letters.use(session, letters.find(session, letters.RESET, token))
    letters.void(session, letters.RESET, user.id)
    return user
