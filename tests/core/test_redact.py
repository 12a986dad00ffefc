import base64
import html
import json
import pickle
import re
import secrets
import urllib.parse
from collections.abc import Callable

import pytest

from mailsetup.core.redact import Secret, scrub


def test_it_hides_a_secret_from_print_and_pickle() -> None:
    secret = Secret(secrets.token_urlsafe())
    assert secret.reveal() not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_it_scrubs_every_spelling_of_a_secret() -> None:
    secret = "pä ss/" + secrets.token_urlsafe()
    echoes = [secret, base64.b64encode(secret.encode()).decode(), urllib.parse.quote(secret, safe="")]
    text = scrub("535 denied " + " ".join(echoes), [Secret(secret)])
    assert not any(echo in text for echo in echoes)
    assert text.startswith("535 denied")


def test_it_scrubs_tokens_nobody_named() -> None:
    token = f"eyJ{secrets.token_urlsafe(20)}.{secrets.token_urlsafe(20)}.{secrets.token_urlsafe(20)}"
    assert token not in scrub(f"Authorization: Bearer {token}")


def test_it_drops_control_characters_and_caps_the_length() -> None:
    assert scrub("a\x00b\x1bc") == "a b c"
    assert len(scrub("x" * 10_000)) == 2000


@pytest.mark.parametrize("length", [16, 17, 18])
def test_it_scrubs_hexadecimal_and_base64_without_its_end(length: int) -> None:
    raw = secrets.token_hex(length).encode()[:length]
    echoes = [raw.hex(), raw.hex().upper(), base64.b64encode(raw).decode().rstrip("=")]
    text = scrub(" ".join(echoes), [Secret(raw.decode())])
    assert not any(echo in text for echo in echoes)


@pytest.mark.parametrize("turned", ["\u202e", "\u2066", "\u2028", "\u200f"])
def test_it_drops_what_turns_the_text_around(turned: str) -> None:
    assert scrub(f"550 {turned}denied") == "550  denied"


@pytest.mark.parametrize(
    "dress",
    [
        lambda secret: json.dumps({"said": secret}),
        lambda secret: json.dumps({"said": secret}).replace("/", "\\/"),
        lambda secret: f"<p>{html.escape(secret)}</p>",
        lambda secret: re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote(secret, safe="")),
    ],
    ids=["JSON", "JSON with slashes", "HTML", "address in small letters"],
)
def test_it_scrubs_a_secret_in_what_a_web_service_answers(dress: Callable[[str], str]) -> None:
    secret = f"p\"<&/{secrets.token_urlsafe()}/é'\\"
    assert secret[5:-3] not in scrub(dress(secret), [Secret(secret)])
