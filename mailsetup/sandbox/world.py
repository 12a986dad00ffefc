"""The small world of the sandbox, and what can be changed in it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cryptography import x509

from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.sandbox.people import PERSONAL, Account, App, Consent, Mailbox, Organisation, new_id, new_secret
from mailsetup.sandbox.store import Store

APP_ROLES = ["graph/Mail.Send", "outlook/SMTP.SendAsApp"]
DRAFTS = "graph/Mail.ReadWrite"
APP_SCOPES = ["graph/Mail.Send", "graph/Mail.Send.Shared", "graph/User.Read", "outlook/SMTP.Send"]


Part = TypeVar("Part", Organisation, Mailbox, App, Consent, Account)


class World:
    """Organisations, mailboxes, apps, consents and SMTP logins; every change is kept at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        kept = store.get("world", "world")
        self._load(kept) if kept else self._create()

    # Who is in it

    @property
    def contoso(self) -> Organisation:
        """The customer's organisation."""
        return self.organisations[0]

    @property
    def fabrikam(self) -> Organisation:
        """Another organisation, which has nothing to do with Contoso."""
        return self.organisations[1]

    @property
    def app(self) -> App:
        """The app registration that Contoso's own admin made."""
        return self.apps[0]

    @property
    def platform_app(self) -> App:
        """The platform's multi-tenant app registration, for connecting by sign-in."""
        return self.apps[1]

    @property
    def service_account(self) -> Account:
        """The first login of the plain SMTP services."""
        return self.accounts[0]

    def organisation(self, tenant: str) -> Organisation | None:
        """The organisation by tenant id or domain."""
        wanted = tenant.lower()
        return next((each for each in self.organisations if wanted in (each.tenant_id, each.domain)), None)

    def organisation_of(self, mailbox: Mailbox) -> Organisation:
        """The organisation a mailbox belongs to."""
        return next(each for each in self.organisations if each.tenant_id == mailbox.tenant_id)

    def find_mailbox(self, name: str, tenant_id: str | None = None) -> Mailbox | None:
        """The mailbox by address or object id, in one tenant or in any."""
        wanted = name.strip().lower()
        return next(
            (
                each
                for each in self.mailboxes
                if wanted in (each.address, each.object_id) and tenant_id in (None, each.tenant_id)
            ),
            None,
        )

    def mailbox(self, address: str) -> Mailbox:
        """The mailbox. Raises NotFound."""
        found = self.find_mailbox(address)
        if found is None:
            raise NotFound(f"The sandbox has no mailbox {address}.")
        return found

    def find_app(self, client_id: str) -> App | None:
        """The app registration by its client id."""
        return next((each for each in self.apps if each.client_id == client_id.lower()), None)

    def consent(self, client_id: str, tenant_id: str) -> Consent | None:
        """What the tenant granted to the app; None before anybody there consented."""
        return next((c for c in self.consents if (c.client_id, c.tenant_id) == (client_id, tenant_id)), None)

    # What its admins do

    def grant_consent(
        self, client_id: str | None = None, tenant_id: str | None = None, *, resource: str | None = None
    ) -> Consent:
        """Admin consent for all that the registration asks for (of one `resource`: graph or outlook)."""
        with self._lock:
            app = self._app(client_id)
            consent = self._enterprise_app(app, tenant_id or self.contoso.tenant_id)
            consent.roles = _with(consent.roles, app.roles, resource)
            consent.scopes = _with(consent.scopes, app.scopes, resource)
            self.save()
            return consent

    def allow_drafts(self, client_id: str | None = None, *, allowed: bool = True) -> None:
        """Adds Mail.ReadWrite to what an app asks for and was granted, or takes it away."""
        with self._lock:
            app = self._app(client_id)
            consent = self._enterprise_app(app, self.contoso.tenant_id)
            for holder in (app, consent):
                holder.roles = sorted({*holder.roles, DRAFTS} if allowed else {*holder.roles} - {DRAFTS})
            self.save()

    def grant_to_person(self, app: App, person: Mailbox, permissions: Iterable[str]) -> None:
        """A person's own consent to delegated permissions."""
        with self._lock:
            consent = self._enterprise_app(app, person.tenant_id)
            mine = consent.people.setdefault(person.object_id, [])
            mine.extend(sorted(set(permissions) - set(mine)))
            self.save()

    def grant_scopes(self, app: App, tenant_id: str, permissions: Iterable[str]) -> None:
        """An admin's consent to delegated permissions for everybody in the tenant."""
        with self._lock:
            consent = self._enterprise_app(app, tenant_id)
            consent.scopes = sorted({*consent.scopes, *permissions})
            self.save()

    def revoke_consent(self, client_id: str | None = None, tenant_id: str | None = None) -> None:
        """Takes back every permission of the app in the tenant, its people's consents too."""
        with self._lock:
            consent = self._enterprise_app(self._app(client_id), tenant_id or self.contoso.tenant_id)
            consent.roles, consent.scopes, consent.people = [], [], {}
            self.save()

    def limit_app_to(self, addresses: Sequence[str], client_id: str | None = None) -> None:
        """Limits the app to some mailboxes of Contoso (RBAC for Applications); an empty list lifts the limit."""
        with self._lock:
            consent = self._enterprise_app(self._app(client_id), self.contoso.tenant_id)
            consent.limited_to = [self.mailbox(address).address for address in addresses]
            self.save()

    def allow_in_exchange(self, addresses: Sequence[str], client_id: str | None = None) -> None:
        """Lets the app send as these mailboxes by RBAC for Applications: no token names that right."""
        with self._lock:
            consent = self._enterprise_app(self._app(client_id), self.contoso.tenant_id)
            consent.in_exchange = [self.mailbox(address).address for address in addresses]
            self.save()

    def delete_app(self, client_id: str) -> None:
        """Deletes the registration."""
        with self._lock:
            self.apps.remove(self._app(client_id))
            self.save()

    def change_mailbox(self, address: str, **facts: Any) -> Mailbox:
        """Changes a mailbox: `blocked=True`, `mfa=False`, `smtp_auth=False`, `send_as=[...]` and so on."""
        with self._lock:
            mailbox = self.mailbox(address)
            for name, value in facts.items():
                if not hasattr(mailbox, name):
                    raise InvalidInput({name: f"A mailbox has no {name}."})
                setattr(mailbox, name, value)
            self.save()
            return mailbox

    def change_organisation(self, domain: str, **facts: Any) -> None:
        """Changes an organisation: `user_consent=False`, `smtp_auth=False`, `basic_auth=True` and so on."""
        with self._lock:
            organisation = self.organisation(domain)
            for name, value in facts.items():
                if not hasattr(organisation, name):
                    raise InvalidInput({name: f"An organisation has no {name}."})
                setattr(organisation, name, value)
            self.save()

    def revoke_sessions(self, address: str) -> None:
        """Makes every refresh and access token of one person useless."""
        self.change_mailbox(address, generation=self.mailbox(address).generation + 1)

    def revoke_app_tokens(self, client_id: str | None = None, tenant_id: str | None = None) -> None:
        """Makes every app-only access token of one app in one tenant useless."""
        with self._lock:
            self._enterprise_app(self._app(client_id), tenant_id or self.contoso.tenant_id).generation += 1
            self.save()

    # What the owner of a registration does

    def rotate_secret(self, client_id: str | None = None) -> str:
        """Makes a new client secret; the old one stops working at once."""
        with self._lock:
            app = self._app(client_id)
            app.secret, app.secret_id = new_secret(), new_id()
            app.secret_expires = (datetime.now(UTC) + timedelta(days=180)).isoformat(timespec="seconds")
            self.save()
            return app.secret

    def add_secret(self, client_id: str | None = None) -> str:
        """Makes a second client secret; the one before goes on working beside it."""
        with self._lock:
            made = new_secret()
            self._app(client_id).more_secrets.append(made)
            self.save()
            return made

    def remove_secret(self, secret: str, client_id: str | None = None) -> None:
        """Deletes one client secret; the others go on working."""
        with self._lock:
            app = self._app(client_id)
            app.more_secrets = [each for each in app.more_secrets if each != secret]
            if secret == app.secret:
                app.secret = app.more_secrets.pop(0) if app.more_secrets else new_secret()
            self.save()

    def expire_secret(self, client_id: str | None = None, *, expired: bool = True) -> None:
        """Puts the end of the secret into the past, or half a year ahead again."""
        with self._lock:
            end = datetime.now(UTC) + timedelta(days=-1 if expired else 180)
            self._app(client_id).secret_expires = end.isoformat(timespec="seconds")
            self.save()

    def add_certificate(self, pem: str, client_id: str | None = None) -> x509.Certificate:
        """Uploads a public certificate (PEM) to the app. Raises InvalidInput."""
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
        except ValueError as error:
            raise InvalidInput({"certificate": "This is not a certificate in PEM form."}) from error
        with self._lock:
            app = self._app(client_id)
            if pem.strip() not in app.certificates:
                app.certificates.append(pem.strip())
            self.save()
        return certificate

    def remove_certificates(self, client_id: str | None = None) -> None:
        """Removes every certificate of the app."""
        with self._lock:
            self._app(client_id).certificates.clear()
            self.save()

    def add_redirect_uri(self, uri: str) -> None:
        """Registers a redirect URI (platform Web) with both apps."""
        with self._lock:
            for app in self.apps:
                if uri not in app.redirect_uris:
                    app.redirect_uris.append(uri)
            self.save()

    def set_multi_tenant(self, client_id: str, multi_tenant: bool) -> None:
        """Sets the supported account types of an app: any organisation, or only its own."""
        with self._lock:
            self._app(client_id).multi_tenant = multi_tenant
            self.save()

    def allow_personal_accounts(self) -> Mailbox:
        """Lets personal accounts in through the platform's app, and makes one, of nobody's organisation."""
        with self._lock:
            self.platform_app.personal = True
            if self.organisation(PERSONAL) is None:
                self.organisations.append(Organisation("Personal accounts", "outlook.com", PERSONAL))
            made = Mailbox(f"p{new_id()[:8]}@outlook.com", "Pat Person", PERSONAL, note="A personal account.")
            self.mailboxes.append(made)
            self.save()
            return made

    def set_enabled(self, client_id: str, enabled: bool) -> None:
        """Lets an app sign in, or not."""
        with self._lock:
            self._app(client_id).enabled = enabled
            self.save()

    # How it is kept

    def save(self) -> None:
        """Keeps the world as it is now."""
        with self._lock:
            parts = ("organisations", "mailboxes", "apps", "consents", "accounts")
            self._store.put("world", "world", {part: [asdict(each) for each in getattr(self, part)] for part in parts})

    def _load(self, kept: dict[str, list[dict[str, Any]]]) -> None:
        self.organisations = [_read(Organisation, each) for each in kept["organisations"]]
        self.mailboxes = [_read(Mailbox, each) for each in kept["mailboxes"]]
        self.apps = [_read(App, each) for each in kept["apps"]]
        self.consents = [_read(Consent, each) for each in kept["consents"]]
        self.accounts = [_read(Account, each) for each in kept["accounts"]]

    def _create(self) -> None:
        self.organisations = [Organisation("Contoso", "contoso.com"), Organisation("Fabrikam", "fabrikam.com")]
        contoso, fabrikam = (each.tenant_id for each in self.organisations)
        self.mailboxes = [*_people_of_contoso(contoso), *_people_of_fabrikam(fabrikam)]
        self.apps = [
            App("Outbound mail", contoso, roles=list(APP_ROLES), scopes=list(APP_SCOPES)),
            App("Mail setup platform", fabrikam, multi_tenant=True, roles=list(APP_ROLES), scopes=list(APP_SCOPES)),
        ]
        self.consents = []
        self.accounts = [Account("mailer@example.com"), Account("shop@example.com")]
        self.grant_consent()

    def _app(self, client_id: str | None) -> App:
        found = self.app if client_id is None else self.find_app(client_id)
        if found is None:
            raise NotFound(f"The sandbox has no app registration {client_id}.")
        return found

    def _enterprise_app(self, app: App, tenant_id: str) -> Consent:
        found = self.consent(app.client_id, tenant_id)
        if found is None:
            found = Consent(app.client_id, tenant_id)
            self.consents.append(found)
        return found


def _read(kind: type[Part], kept: dict[str, Any]) -> Part:
    """What an earlier version kept may have facts that are no longer known."""
    known = {each.name for each in fields(kind)}
    return kind(**{name: value for name, value in kept.items() if name in known})


def _with(granted: list[str], asked: list[str], resource: str | None) -> list[str]:
    return sorted({*granted, *(each for each in asked if resource is None or each.startswith(f"{resource}/"))})


def _people_of_contoso(tenant: str) -> list[Mailbox]:
    return [
        Mailbox(
            "ar@contoso.com",
            "Accounts Receivable",
            tenant,
            note="An ordinary user mailbox.",
            send_as=["invoices@contoso.com"],
        ),
        Mailbox(
            "invoices@contoso.com",
            "Invoices",
            tenant,
            note="A shared mailbox; ar@contoso.com may send as it.",
            shared=True,
        ),
        Mailbox("mfa@contoso.com", "Mia Faber", tenant, note="Signing in asks for a second factor.", mfa=True),
        Mailbox("admin@contoso.com", "Ada Minster", tenant, note="May grant admin consent.", admin=True),
        Mailbox("blocked@contoso.com", "Ben Locke", tenant, note="Sign-in is blocked.", blocked=True),
        Mailbox("unlicensed@contoso.com", "Uma Licht", tenant, note="Has no Exchange licence.", licensed=False),
        Mailbox("nosmtp@contoso.com", "Nora Smit", tenant, note="SMTP AUTH is switched off.", smtp_auth=False),
    ]


def _people_of_fabrikam(tenant: str) -> list[Mailbox]:
    return [
        Mailbox("office@fabrikam.com", "Fabrikam Office", tenant, note="A mailbox of another organisation."),
        Mailbox("admin@fabrikam.com", "Fay Brick", tenant, note="May grant admin consent there.", admin=True),
    ]
