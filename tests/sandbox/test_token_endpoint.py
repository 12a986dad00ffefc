from __future__ import annotations

import base64
import re
from typing import Any

import jwt
import pytest

from tests.sandbox.customer import GRAPH, OUTLOOK


def read(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_it_gives_an_app_a_token_with_its_roles(box, customer) -> None:
    answer = customer.ask()
    claims = read(answer["access_token"])
    assert claims["roles"] == ["Mail.Send"]
    assert (claims["appid"], claims["tid"]) == (box.world.app.client_id, box.world.contoso.tenant_id)
    assert (claims["aud"], claims["idtyp"]) == ("https://graph.microsoft.com", "app")
    assert answer["expires_in"] >= 3600


def test_it_signs_tokens_with_the_published_key(box, customer) -> None:
    keys = customer.http.get(f"{box.login_url}/common/discovery/v2.0/keys").json()
    key = jwt.PyJWK(keys["keys"][0])
    claims = jwt.decode(customer.token(), key, algorithms=["RS256"], audience="https://graph.microsoft.com")
    assert claims["iss"].endswith(f"/{box.world.contoso.tenant_id}/")


def test_it_gives_a_token_without_roles_when_consent_is_gone(box, customer) -> None:
    box.world.revoke_consent()
    assert "roles" not in read(customer.token())
    assert "roles" not in read(customer.token(OUTLOOK))


def test_it_names_the_outlook_resource_as_it_was_asked(customer) -> None:
    claims = read(customer.token(OUTLOOK))
    assert (claims["aud"], claims["roles"]) == ("https://outlook.office365.com", ["SMTP.SendAsApp"])


def test_it_answers_a_wrong_secret_in_microsofts_shape(box, customer) -> None:
    form = {"client_id": box.world.app.client_id, "client_secret": "wrong", "scope": GRAPH}
    answer = customer.post_token(grant_type="client_credentials", **form)
    problem = answer.json()
    assert (answer.status_code, problem["error"], problem["error_codes"]) == (401, "invalid_client", [7000215])
    pattern = r"AADSTS7000215: .+ Trace ID: [-\w]{36} Correlation ID: [-\w]{36} Timestamp: \d{4}-\d\d-\d\d [\d:]{8}Z"
    assert re.fullmatch(pattern, problem["error_description"])
    order = "error error_description error_codes timestamp trace_id correlation_id error_uri"
    assert list(problem) == order.split()


def test_it_takes_client_id_and_secret_by_basic_authentication(box, customer) -> None:
    pair = f"{box.world.app.client_id}:{box.world.app.secret}"
    headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    answer = customer.post_token(headers=headers, grant_type="client_credentials", scope=GRAPH)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"client_secret": "secret_id"}, 7000215),
        ({"client_secret": ""}, 7000216),
        ({"client_id": "00000000-0000-0000-0000-000000000000"}, 700016),
        ({"client_id": ""}, 900144),
        ({"scope": ""}, 900144),
        ({"scope": "https://graph.microsoft.com/Mail.Send"}, 1002012),
        ({"scope": f"{GRAPH} {OUTLOOK}"}, 70011),
        ({"scope": "https://nothing.example/.default"}, 500011),
        ({"grant_type": "password"}, 70003),
        ({"grant_type": ""}, 900144),
        ({"tenant": "organizations"}, 50059),
        ({"tenant": "11111111-1111-1111-1111-111111111111"}, 90002),
        ({"tenant": "nowhere.example"}, 90002),
        ({"tenant": "not a tenant"}, 900023),
        ({"tenant": "fabrikam.com"}, 700016),
    ],
)
def test_it_refuses_a_wrong_request_by_number(box, customer, change, number) -> None:
    app = box.world.app
    form = {"client_id": app.client_id, "client_secret": app.secret, "grant_type": "client_credentials", "scope": GRAPH}
    answer = customer.post_token(**form | {name: getattr(app, value or "-", value) for name, value in change.items()})
    assert answer.json()["error_codes"] == [number]


def test_it_refuses_an_expired_secret(box, customer) -> None:
    box.world.expire_secret()
    assert customer.ask()["error_codes"] == [7000222]
    box.world.rotate_secret()
    assert "access_token" in customer.ask()


def test_it_wants_an_enterprise_app_in_the_tenant(box, customer) -> None:
    app = customer.platform(box.world.contoso.tenant_id)
    assert app.acquire_token_for_client([GRAPH])["error_codes"] == [7000229]


def test_it_refuses_a_credential_with_an_origin(box, customer) -> None:
    form = {"client_id": box.world.app.client_id, "client_secret": box.world.app.secret, "scope": GRAPH}
    answer = customer.post_token(headers={"Origin": "https://x.example"}, grant_type="client_credentials", **form)
    assert answer.json()["error_codes"] == [9002326]


def test_it_knows_a_tenant_by_domain(customer) -> None:
    assert "access_token" in customer.ask(tenant="contoso.com")


def test_it_tells_a_client_library_of_an_unknown_tenant(box, customer) -> None:
    answer = customer.http.get(f"{box.login_url}/nowhere.example/v2.0/.well-known/openid-configuration")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_tenant")
    assert answer.json()["error_description"].startswith("AADSTS90002: Tenant 'nowhere.example' not found.")


def test_it_answers_instance_discovery(box, customer) -> None:
    answer = customer.http.get(f"{box.login_url}/common/discovery/instance", params={"api-version": "1.1"})
    assert answer.json()["metadata"][0]["aliases"] == ["localhost"]
