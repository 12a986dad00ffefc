"""What the operator may say of issuers, and what stops the start."""

import pytest

from mailsetup.core.errors import SettingsError
from mailsetup.core.issuers import parse_issuers

SHARED = "https://login.microsoftonline.com/organizations/v2.0"
FACTS = {"issuer": SHARED, "client_id": "app", "client_secret": "kept elsewhere"}


def test_it_reads_an_issuer_and_shows_no_secret():
    (issuer,) = parse_issuers({"microsoft": {**FACTS, "tenants": "AAAA, bbbb", "second_factor": "always"}})
    assert (issuer.name, issuer.shared, issuer.tenants) == ("Microsoft", True, frozenset(["aaaa", "bbbb"]))
    assert "kept elsewhere" not in repr(issuer)


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://login.example"},
        {"issuer": "https://login.example/?a=b"},
        {"client_id": ""},
        {"client_secret": ""},
        {"client_secret_file": "/no/such/file"},
        {"second_factor": "sometimes"},
        {"second_factor": "always"},
        {"audience": "x"},
    ],
)
def test_it_stops_the_start_with_a_sentence(wrong):
    with pytest.raises(SettingsError, match="MAILSETUP_OIDC_ISSUERS"):
        parse_issuers({"microsoft": {**FACTS, **wrong}})


def test_it_wants_a_key_that_fits_into_an_address():
    with pytest.raises(SettingsError):
        parse_issuers({"../x": FACTS})
