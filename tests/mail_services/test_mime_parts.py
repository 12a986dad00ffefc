"""What is left of a mail without its large attachments, and what was taken out."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import SMTP

from mailsetup.mail_services.mime_parts import without_large

SMALL, LARGE = b"s" * 300, bytes(range(256)) * 40


def a_mail() -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = "ar@contoso.com", "Zoë <me@fabrikam.example>"
    message["Subject"] = "Überweisung" + " long" * 30
    message.set_content("Grüße\n")
    message.add_alternative("<p>Grüße <img src='cid:logo'></p>", subtype="html")
    message.add_attachment(SMALL, maintype="application", subtype="pdf", filename="small.pdf")
    message.add_attachment(LARGE, maintype="image", subtype="png", filename="groß.png", cid="<logo>")
    return message


def test_it_takes_the_largest_out_and_leaves_the_rest_as_it_was() -> None:
    whole = a_mail()
    rest, taken = without_large(whole.as_bytes(), 3000)
    assert [(one.name, one.content_type, one.content, one.content_id) for one in taken] == [
        ("groß.png", "image/png", LARGE, "logo")
    ]
    left = email.message_from_bytes(rest, policy=SMTP)
    texts = [one.get_body(("plain",)) for one in (left, whole)]
    assert left.items() == whole.items()
    assert [part.get_filename() for part in left.iter_attachments()] == ["small.pdf"]
    assert [one and one.get_content().strip() for one in texts] == ["Grüße"] * 2
    assert len(rest) <= 3000
    assert rest.count(b"\n") == rest.count(b"\r\n")


def test_it_leaves_a_mail_that_fits() -> None:
    content = a_mail().as_bytes()
    assert without_large(content, len(content)) == (content, [])


def test_text_alone_stays_whole_however_large() -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content("a line of text\n" * 1000)
    assert without_large(message.as_bytes(), 3000) == (message.as_bytes(), [])
