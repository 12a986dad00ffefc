import base64
import pickle
import secrets
import urllib.parse

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
