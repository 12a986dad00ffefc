"""Exchange Online PowerShell for a customer's admin, filled with their ids; the pages and the manual print the same.

Sources: learn.microsoft.com, "Role Based Access Control for Applications in Exchange Online", "Authenticate an IMAP,
POP or SMTP connection using OAuth", New-ApplicationAccessPolicy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Nothing that PowerShell could read as more than one word gets into a command.
_WORD = re.compile(r"[\w.+@-]{1,120}", re.ASCII)
CLIENT_ID = "<client-id>"
OBJECT_ID = "<object-id-from-enterprise-apps>"
MAILBOX = "noreply@contoso.com"
GROUP = "Outbound mail senders"


@dataclass(frozen=True)
class ExchangeCommands:
    """Commands for one app and one mailbox; what is not known, or no plain word, stays a placeholder."""

    client_id: str = ""
    object_id: str = ""
    mailbox: str = ""

    @property
    def app(self) -> str:
        """The client ID."""
        return _word(self.client_id, CLIENT_ID)

    @property
    def service_principal(self) -> str:
        """The object ID of the enterprise app, which Exchange knows the app by."""
        return _word(self.object_id, OBJECT_ID)

    @property
    def sender(self) -> str:
        """The mailbox that mail leaves from."""
        return _word(self.mailbox, MAILBOX)

    @property
    def limit_graph(self) -> str:
        """Lets the app send as one mailbox through Graph, without any permission in Entra."""
        return self._limit("Application Mail.Send")

    @property
    def limit_smtp(self) -> str:
        """The same for SMTP."""
        return self._limit("Application SMTP.SendAsApp")

    def limit_for(self, permission: str) -> str:
        """The limit that stands for a permission of Entra."""
        return self._limit(f"Application {permission}")

    def _limit(self, role: str) -> str:
        return "\n".join(
            (
                "Connect-ExchangeOnline",
                self._new_service_principal(),
                f'New-DistributionGroup -Name "{GROUP}" -Type Security -Members {self.sender}',
                f'New-ManagementRoleAssignment -Name "Outbound mail" -App {self.service_principal} -Role "{role}" '
                f'-RecipientGroupScope "{GROUP}"',
                self.check,
            )
        )

    def _new_service_principal(self) -> str:
        return f'New-ServicePrincipal -AppId {self.app} -ObjectId {self.service_principal} -DisplayName "Outbound mail"'

    @property
    def check(self) -> str:
        """What Exchange thinks of app and mailbox; it does not wait for caches."""
        return f"Test-ServicePrincipalAuthorization -Identity {self.app} -Resource {self.sender}"

    @property
    def legacy_policy(self) -> str:
        """The older way, for Graph alone; Microsoft says not to make new ones."""
        return (
            f"New-ApplicationAccessPolicy -AppId {self.app} -PolicyScopeGroupId <group-address> -AccessRight "
            f'RestrictAccess -Description "Outbound mail"\nTest-ApplicationAccessPolicy -AppId {self.app} -Identity '
            f"{self.sender}"
        )

    @property
    def smtp_app(self) -> str:
        """Lets an app with SMTP.SendAsApp use the mailbox."""
        return "\n".join(
            (
                "Connect-ExchangeOnline",
                self._new_service_principal(),
                f"Add-MailboxPermission -Identity {self.sender} -User (Get-ServicePrincipal -Identity "
                '"Outbound mail").Id -AccessRights FullAccess',
            )
        )

    @property
    def smtp_auth(self) -> str:
        """Switches SMTP sign-in on for one mailbox."""
        return f"Set-CASMailbox -Identity {self.sender} -SmtpClientAuthenticationDisabled $false"


def _word(value: str, instead: str) -> str:
    return value if _WORD.fullmatch(value) else instead
