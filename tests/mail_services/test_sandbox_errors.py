"""Every error that the sandbox can show, met by the services themselves: told as one, and explained."""

from __future__ import annotations

import pytest

from mailsetup.core.redact import Secret
from mailsetup.mail_services import hints, registry
from mailsetup.mail_services.base import CredentialValue, FreshTokens, Mail, MailService, NullReport, Platform
from mailsetup.mail_services.errors import TransportError
from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.switches import FAMILIES

FOR_APPS = {"token", "token:client", "discovery"}
KINDS = {"entra": "graph_client_credentials", "graph": "graph_client_credentials", "smtp": "smtp_xoauth2"}
CASES = [
    (KINDS[family], fault.name)
    for family in KINDS
    for fault in FAMILIES[family]
    if (family != "entra" or FOR_APPS & set(fault.places.split())) and fault.places != "auth:basic"
]


def service_of(kind: str, box: Sandbox, cloud: Platform) -> MailService:
    found = registry.get(kind)
    public = {"tenant_id": box.world.contoso.tenant_id, "client_id": box.world.app.client_id, "cloud": "global"}
    credential = CredentialValue("microsoft_app", public, {"client_secret": Secret(box.world.app.secret)}, "1")
    settings = found.clean({"from_address": "ar@contoso.com"}, platform=cloud)
    return found(settings, credential=credential, platform=cloud, tokens=FreshTokens())


@pytest.mark.parametrize(("kind", "fault"), CASES)
def test_it_is_told_and_explained(box, cloud, mail: Mail, kind, fault):
    box.switch(fault)
    service = service_of(kind, box, cloud)
    try:
        with pytest.raises(TransportError) as failed:
            service.deliver(mail, NullReport())
    finally:
        service.close()
        box.switch(fault, on=False)
    found = hints.explain(failed.value)
    assert found.confidence != "low"
    assert (failed.value.permanent, failed.value.stage in service.stages) == (found.permanent, True)
