"""The form of a way: its fields, filled from a route, and what was typed as wishes."""

from __future__ import annotations

from collections.abc import Sequence

from mailsetup.alerts.causes import GROUPS
from mailsetup.alerts.channels import Channel
from mailsetup.alerts.listeners import SetupAddress
from mailsetup.alerts.models import AT_ONCE, DAILY, ERROR, HOURLY, WARNING, AlertRoute
from mailsetup.alerts.recipients import EMAIL
from mailsetup.alerts.routes import Wishes
from mailsetup.mail_services.base import Field

_SEVERITIES = ((WARNING, "Everything, early signs too"), (ERROR, "Only what needs a person now"))
_DIGESTS = ((AT_ONCE, "At once"), (HOURLY, "Gathered, every full hour"), (DAILY, "Gathered, every day at 8:00"))


def address_field(channel: Channel) -> Field:
    """Where the notices go; the address of a webhook is never shown again, since it may hold a key."""
    if channel.slug == EMAIL:
        return Field("address", "Address", "Hears of this workspace's alerts.", "email", placeholder="ops@example.com")
    return Field(
        "address", "Webhook address", channel.help, placeholder=channel.placeholder, secret=True, autocomplete="off"
    )


def fields_of(channel: Channel, zone: str) -> tuple[Field, ...]:
    """The inputs that every way has, the address first."""
    return (
        address_field(channel),
        Field("name", "Name", "What you call it, such as the channel's name.", required=False),
        Field("severity", "What goes this way", input="select", choices=_SEVERITIES, default=WARNING),
        Field("digest", "When", input="select", choices=_DIGESTS, default=AT_ONCE),
        Field("quiet_from", "Quiet from", f"Times of day in {zone}.", "time", required=False),
        Field("quiet_until", "Quiet until", "What came meanwhile is told then.", "time", required=False),
        Field(
            "quiet_errors",
            "Be quiet about mail that has stopped as well",
            "Otherwise quiet hours hold back early signs only.",
            "checkbox",
            required=False,
        ),
    )


def group_fields() -> tuple[Field, ...]:
    """A box for each kind of cause; none ticked means all."""
    return tuple(Field(f"group_{slug}", label, input="checkbox", required=False) for slug, label in GROUPS)


def setup_fields(setups: Sequence[SetupAddress]) -> tuple[Field, ...]:
    """A box for each setup; none ticked means all."""
    known = [setup for setup in setups if setup.setup_id]
    return tuple(Field(f"setup_{setup.setup_id}", setup.label, input="checkbox", required=False) for setup in known)


NEW_SECRET = Field(
    "new_secret", "Make a new signing secret", "The one in use stops working at once.", "checkbox", required=False
)


def route_words(route: AlertRoute) -> str:
    """What goes this way and when, in one line."""
    what = "only what needs a person now" if route.severity == ERROR else "every alert"
    if route.groups or route.setups:
        what += ", of chosen kinds" if not route.setups else ", of chosen setups"
    when = {HOURLY: ", gathered every hour", DAILY: ", gathered every day"}.get(route.digest, "")
    quiet = f", quiet from {route.quiet_from} to {route.quiet_until}" if route.quiet_from else ""
    return f"{what}{when}{quiet}"


def values_of(route: AlertRoute) -> dict[str, str]:
    """What is saved, as the form shows it."""
    boxes = [*(f"group_{slug}" for slug in route.groups), *(f"setup_{setup}" for setup in route.setups)]
    if route.quiet_errors:
        boxes.append("quiet_errors")
    plain = {name: getattr(route, name) for name in ("name", "severity", "digest", "quiet_from", "quiet_until")}
    return {**plain, "address": route.target, **dict.fromkeys(boxes, "true")}


def wishes_of(channel: Channel, typed: dict[str, str]) -> Wishes:
    """What was typed."""
    return Wishes(
        channel=channel.slug,
        address=typed["address"],
        name=typed["name"],
        severity=typed["severity"],
        groups=_ticked(typed, "group_"),
        setups=_ticked(typed, "setup_"),
        quiet_from=typed["quiet_from"],
        quiet_until=typed["quiet_until"],
        quiet_errors=bool(typed["quiet_errors"]),
        digest=typed["digest"],
        new_secret=bool(typed.get("new_secret")),
    )


def _ticked(typed: dict[str, str], prefix: str) -> tuple[str, ...]:
    return tuple(name.removeprefix(prefix) for name, value in typed.items() if name.startswith(prefix) and value)
