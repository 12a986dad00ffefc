"""The inputs of the forms about people."""

from __future__ import annotations

from mailsetup.mail_services.base import Field
from mailsetup.workspaces.models import ADMIN, MEMBER, OWNER
from mailsetup.workspaces.passwords import SHORTEST

ROLE_WORDS = {
    OWNER: "Owner: everything, and who the owners are",
    ADMIN: "Admin: sets up mail, credentials and members",
    MEMBER: "Member: sees everything, and builds setups with credentials opened to them",
}
PASSWORD_HELP = f"At least {SHORTEST} characters. Four unrelated words are easy to remember and hard to guess."

NAME = Field("name", "Your name", autocomplete="name")
EMAIL = Field("email", "E-mail address", input="email", autocomplete="username")
PASSWORD = Field("password", "Password", input="password", autocomplete="current-password")
NEW_PASSWORD = Field("password", "Password", PASSWORD_HELP, input="password", autocomplete="new-password")
WORKSPACE_NAME = Field(
    "workspace_name",
    "Workspace name",
    "Usually your company. Mail, credentials and members belong to a workspace.",
    autocomplete="organization",
)
CODE = Field(
    "code",
    "Code",
    "The six digits that your authenticator app shows now, or one of your recovery codes.",
    autocomplete="one-time-code",
)
FIRST_CODE = Field("code", "Code", "The six digits that the app shows now.", autocomplete="one-time-code")
SIGN_IN = (EMAIL, PASSWORD)
SIGN_UP = (NAME, EMAIL, NEW_PASSWORD, WORKSPACE_NAME)
JOIN = (NAME, EMAIL, NEW_PASSWORD)
CHANGE_PASSWORD = (
    Field("current_password", "Current password", input="password", autocomplete="current-password"),
    Field("new_password", "New password", PASSWORD_HELP, input="password", autocomplete="new-password"),
)


def invite_fields(roles: tuple[str, ...]) -> tuple[Field, ...]:
    """The inputs of an invitation by someone who may give these roles."""
    choices = tuple((role, ROLE_WORDS[role]) for role in reversed(roles))
    return (
        Field("email", "E-mail address", "The person who gets the link.", input="email"),
        Field("role", "Role", input="select", choices=choices, default=MEMBER),
    )
