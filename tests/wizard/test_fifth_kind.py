"""A kind nobody here has heard of: one module and one template, from its card to a delivered mail."""

from __future__ import annotations

import sys
from email.message import EmailMessage

import pytest
from jinja2 import ChoiceLoader, FileSystemLoader
from sqlalchemy import select

from mailsetup.core import queues
from mailsetup.diagnosis.jobs import run_test
from mailsetup.mail_services import kinds, registry
from mailsetup.outbound.models import HEALTHY, OutboundConfig
from mailsetup.outbox import queue_mail
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.models import SENT

MODULE = '''
from mailsetup.mail_services.base import MailService, SendResult
from mailsetup.mail_services.standard_fields import clean_sender, standard_fields
from mailsetup.mail_services.values import Answers

FLOWN = []


class Dove(MailService):
    """A fifth kind."""

    kind, label, summary, position = "dove", "Dove post", "By air.", 9
    fields = standard_fields({"from_address": "Whose loft it is."}, fixed={"host": "loft", "port": "1", "tls": "none"})
    stages = ("settings", "accept")
    credential_types = ("smtp_login",)

    @classmethod
    def clean(cls, raw, *, platform):
        answers = Answers(raw)
        cleaned = clean_sender(answers)
        answers.finish()
        return {"host": "loft", "port": 1, "tls": "none", "username": "", **cleaned}

    def open(self, report):
        with report.stage("settings"):
            self.required_credential()

    def deliver(self, mail, report):
        self.open(report)
        with report.stage("accept"):
            FLOWN.append((self.credential.public["username"], mail))
            return SendResult("coo", "flown")
'''


@pytest.fixture
def dove(app, tmp_path, monkeypatch):
    """The one module and the one template, in folders of their own."""
    guide = tmp_path / "templates" / "wizard" / "kinds" / "dove.html"
    guide.parent.mkdir(parents=True)
    guide.write_text("<p>Buy a dove first.</p>")
    (tmp_path / "dove.py").write_text(MODULE)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    both = ChoiceLoader([app.jinja_loader, FileSystemLoader(tmp_path / "templates")])
    monkeypatch.setattr(app.jinja_env, "loader", both)
    yield registry.get("dove")
    del sys.modules[f"{kinds.__name__}.dove"]


def flown(dove):
    return sys.modules[dove.__module__].FLOWN


@pytest.fixture
def saved(alice, begin, sender, session, dove):
    """A setup of the fifth kind, made and tested through the pages."""
    draft = begin("dove")
    guide = alice.client.get(f"/setup/{draft.id}/credential").text
    assert "Buy a dove first." in guide
    login = {"type": "smtp_login", "name": "Loft", "username": "ann", "password": "coo-coo-coo"}
    alice.client.post(f"/setup/{draft.id}/credential/new", data=login)
    form = alice.client.get(f"/setup/{draft.id}/sender").text
    assert "Whose loft it is." in form
    assert 'value="loft" readonly' in form
    answer = alice.client.post(f"/setup/{draft.id}/sender", data=sender)
    assert answer.location == f"/setup/{draft.id}/test", answer.text
    alice.client.post(f"/setup/{draft.id}/test", data={"recipient": "me@fabrikam.example"})
    [job] = queues.queue(queues.TESTS).jobs
    run_test(*job.args)
    alice.client.post(f"/setup/{draft.id}/save")
    return session.scalars(select(OutboundConfig)).one()


def test_it_has_a_card(alice, dove):
    page = alice.client.get("/setup").text
    assert 'value="dove"' in page
    assert "Dove post" in page


def test_it_is_set_up_tested_and_saved_in_the_wizard(saved, dove):
    assert (saved.kind, saved.health) == ("dove", HEALTHY)
    [(user, mail)] = flown(dove)
    assert (user, mail.recipients) == ("ann", ("me@fabrikam.example",))


def test_it_delivers_queued_mail(alice, saved, session, dove):
    message = EmailMessage()
    message["To"], message["Subject"] = "customer@fabrikam.example", "Your invoice"
    message.set_content("Here it is.\n")
    row = queue_mail(session, alice.workspace, message, config=saved)
    session.commit()
    Drain(lanes=1).run()
    session.refresh(row)
    assert row.status == SENT
    assert flown(dove)[-1][1].recipients == ("customer@fabrikam.example",)
    assert "Dove post" in alice.client.get(f"/outbound/{saved.id}").text
