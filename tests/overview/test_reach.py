"""The operator's test of the way to Microsoft: through a proxy with a login, stage by stage."""

import base64
import html
from urllib.parse import urlsplit

import pytest

from mailsetup.mail_services import reach
from mailsetup.platform import current_platform
from tests.fakes.proxy_server import ProxyServer
from tests.outbound.conftest import box
from tests.outbound.microsoft_world import settings_for
from tests.people import founder
from tests.ports import free_port

__all__ = ["box"]
LOGIN = base64.b64encode(b"mail:p@ss").decode()


@pytest.fixture
def proxy(box):
    port = urlsplit(box.graph_url).port
    assert port
    with ProxyServer("http", port, login=LOGIN) as running:
        yield running


@pytest.fixture
def password():
    return "p%40ss"


@pytest.fixture
def settings_changes(box, proxy, password):
    return {**settings_for(box), "https_proxy": f"http://mail:{password}@{proxy.address}"}


@pytest.fixture
def olga(app, session):
    return founder(app, session, name="Olga", email="olivia@mailsetup.example", workspace_name="Operations")


def by_label(app) -> dict[str, reach.Reach]:
    with app.app_context():
        return {one.target.label: one for one in reach.reach_all(current_platform())}


def states(found: reach.Reach) -> list[tuple[str, str]]:
    return [(stage.name, stage.state) for stage in found.stages]


def test_it_reaches_sign_in_and_graph_through_a_proxy_with_login(app, proxy):
    found = by_label(app)
    passed = [("proxy", "passed"), ("connect", "passed"), ("tls", "passed"), ("accept", "passed")]
    assert states(found["Microsoft Graph"]) == states(found["Microsoft sign-in"]) == passed
    assert found["Microsoft Graph"].stages[-1].verdict.startswith("401")
    assert found["Exchange Online's mail server"].reached
    assert len(proxy.logins) == 2


class TestWrongLogin:
    @pytest.fixture
    def password(self):
        return "old"

    def test_it_names_the_login_and_the_setting(self, app):
        found = by_label(app)["Microsoft Graph"]
        assert [state for _name, state in states(found)] == ["failed", "skipped", "skipped", "skipped"]
        wanted = "The proxy did not take the user name and password. See MAILSETUP_HTTPS_PROXY."
        assert found.stages[0].verdict == wanted


class TestAway:
    @pytest.fixture
    def settings_changes(self, box):
        return {**settings_for(box), "https_proxy": f"http://127.0.0.1:{free_port()}"}

    def test_it_says_when_the_proxy_is_away(self, app):
        found = by_label(app)["Microsoft sign-in"]
        assert (found.stages[0].state, "The proxy does not answer." in found.stages[0].verdict) == ("failed", True)


def test_it_says_when_the_proxy_lets_nothing_through(app, proxy):
    proxy.refuse = True
    found = by_label(app)["Microsoft sign-in"]
    assert states(found)[:2] == [("proxy", "passed"), ("connect", "failed")]
    assert "The proxy refused the connection." in found.stages[1].verdict


def test_it_is_a_page_of_the_operator_alone_and_shows_no_password(olga, bob):
    shown = html.unescape(olga.client.get("/operator/connections").text)
    assert "signing in as mail" in shown
    tested = html.unescape(olga.client.post("/operator/connections").text)
    assert ("Reached" in tested, "p@ss" in tested + shown, "p%40ss" in tested + shown) == (True, False, False)
    assert [
        bob.client.get("/operator/connections").status_code,
        bob.client.post("/operator/connections").status_code,
    ] == [
        404,
        404,
    ]
