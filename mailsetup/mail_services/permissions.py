"""What an app (`roles`) or a sign-in (`scp`) may do by its token, compared with what sending needs (Microsoft,
"Microsoft Graph permissions").

With RBAC for Applications the right lives in Exchange and the token may name no role at all, which is no fault.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ENOUGH, TENANT_WIDE, LIMITED, MISSING, TOO_MUCH = "enough", "tenant_wide", "limited", "missing", "too_much"
PROVED = "proved"
# What sign-in itself brings along, and what lets nobody read or send anything.
HARMLESS = frozenset({"openid", "profile", "email", "offline_access", "User.Read"})
FOR_SENDING = frozenset({"Mail.Send", "Mail.Send.Shared", "SMTP.Send", "SMTP.SendAsApp"})


@dataclass(frozen=True)
class Audit:
    """The verdict, with what is wanted, what is too much, and a sentence each for what it means and what to do."""

    state: str
    wanted: str
    extra: tuple[str, ...]
    title: str
    advice: str

    @property
    def good(self) -> bool:
        """Whether nobody needs to act."""
        return self.state in {ENOUGH, LIMITED, PROVED}


def audit(
    wanted: str, granted: Iterable[str], *, app_only: bool = True, more: Iterable[str] = (), refused_at: str = ""
) -> Audit:
    """The verdict on what a token names: an app's own, or that of a sign-in.

    `more` is what else the settings need; `refused_at` is a mailbox that the app was refused at when it was tried.
    """
    named = {one.rpartition("/")[2] for one in granted}
    extra = tuple(sorted(named - HARMLESS - FOR_SENDING - set(more)))
    if extra:
        return _too_much(wanted, extra, app_only=app_only)
    if wanted in named:
        if not app_only:
            return _enough(wanted)
        return _proved(wanted, refused_at) if refused_at else _tenant_wide(wanted)
    if not named - HARMLESS and app_only:
        return _limited(wanted)
    return _missing(wanted, app_only=app_only)


def _too_much(wanted: str, extra: tuple[str, ...], *, app_only: bool) -> Audit:
    listed = ", ".join(extra)
    where = "Under API permissions in Entra" if app_only else "Under Enterprise apps > the app > Permissions in Entra"
    return Audit(
        TOO_MUCH,
        wanted,
        extra,
        f"The {'app' if app_only else 'sign-in'} may do more than send mail: {listed}.",
        f"Sending needs {wanted} alone. {where}, remove {listed}: whoever got hold of this credential could use it.",
    )


def _tenant_wide(wanted: str) -> Audit:
    return Audit(
        TENANT_WIDE,
        wanted,
        (),
        f"The app has {wanted}, for every mailbox of the organisation.",
        f"Mail goes out. To allow one mailbox alone, run the commands below, then remove {wanted} under API "
        "permissions in Entra: beside a limit in Exchange it stays an open door.",
    )


def _proved(wanted: str, refused_at: str) -> Audit:
    """A token says nothing of limits in Exchange: an application access policy, or rights that a mailbox does not give.

    Beside RBAC for Applications the permission would be an open door, and the app would not have been refused.
    """
    return Audit(
        PROVED,
        wanted,
        (),
        f"The app has {wanted}, and Exchange limits which mailboxes it counts for.",
        f"The token names {wanted} for every mailbox, yet Microsoft refused the app at {refused_at}. No token says "
        "when such a limit is lifted: prove it again from time to time.",
    )


def _enough(wanted: str) -> Audit:
    return Audit(ENOUGH, wanted, (), f"The sign-in allows {wanted} and nothing more than it needs.", "")


def _limited(wanted: str) -> Audit:
    return Audit(
        LIMITED,
        wanted,
        (),
        "The token names no permission.",
        "That is right when Exchange limits the app by RBAC for Applications: then a passed test is the proof. "
        f"Otherwise {wanted} is missing: add it under API permissions in Entra and grant admin consent.",
    )


def _missing(wanted: str, *, app_only: bool) -> Audit:
    by_admin = (
        f"In Entra, under API permissions, add {wanted} and choose Grant admin consent. It counts after 2-3 minutes."
    )
    by_person = f"Open the credential, choose Reconnect, sign in as the mailbox and accept {wanted}."
    return Audit(MISSING, wanted, (), f"The permission {wanted} is missing.", by_admin if app_only else by_person)
