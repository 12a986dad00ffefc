import base64
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsetup.core import crypto
from mailsetup.core.crypto import KeyRing, Place
from mailsetup.core.errors import SettingsError, UnsealError

PLACE = Place("w1", "credential_versions", "r1", "secrets", 1)


def ring(*ids: str) -> KeyRing:
    return KeyRing({key_id: crypto.new_key() for key_id in ids})


@given(st.binary(max_size=500))
def test_it_opens_what_it_sealed(value: bytes) -> None:
    key = crypto.new_key()
    sealed = crypto.seal_text(value, key=key, key_id="a", aad=PLACE.aad())
    assert crypto.open_text(sealed, key=key, aad=PLACE.aad()) == value
    raw = crypto.seal_bytes(value, key=key, key_id="a", aad=PLACE.aad())
    assert crypto.open_bytes(raw, key=key, aad=PLACE.aad()) == value


@pytest.mark.parametrize(
    "change",
    [{"workspace_id": "w2"}, {"table": "t"}, {"row_id": "r2"}, {"field": "f"}, {"version": 2}],
)
def test_it_does_not_open_in_another_place(change: dict[str, str]) -> None:
    key = crypto.new_key()
    sealed = crypto.seal_text(b"secret", key=key, key_id="a", aad=PLACE.aad())
    elsewhere = dataclasses.replace(PLACE, **change)  # type: ignore[arg-type]
    with pytest.raises(UnsealError):
        crypto.open_text(sealed, key=key, aad=elsewhere.aad())


def test_it_keeps_the_parts_of_a_place_apart() -> None:
    assert Place("ab", "c", "r", "f").aad() != Place("a", "bc", "r", "f").aad()


@pytest.mark.parametrize("text", ["", "plain", "v1.a.b", "v2.a.b.c", "v1.a.!!!.???"])
def test_it_never_takes_clear_text_for_a_sealed_value(text: str) -> None:
    with pytest.raises(UnsealError):
        crypto.open_text(text, key=crypto.new_key(), aad=b"")
    with pytest.raises(UnsealError):
        crypto.open_bytes(text.encode(), key=crypto.new_key(), aad=b"")


def test_it_wraps_a_data_key_for_one_workspace_only() -> None:
    master, data_key = ring("k1"), crypto.new_key()
    wrapped = master.wrap(data_key, workspace_id="w1")
    assert master.unwrap(wrapped, workspace_id="w1") == data_key
    with pytest.raises(UnsealError):
        master.unwrap(wrapped, workspace_id="w2")


def test_it_names_the_master_key_that_is_missing() -> None:
    wrapped = ring("old").wrap(crypto.new_key(), workspace_id="w1")
    with pytest.raises(UnsealError, match="old"):
        ring("new").unwrap(wrapped, workspace_id="w1")


def test_it_reads_a_ring_and_seals_with_the_first_key() -> None:
    keys = [base64.b64encode(crypto.new_key()).decode() for _ in range(2)]
    parsed = KeyRing.parse(f"b:{keys[0]}, a:{keys[1]}\n")
    assert parsed.primary == "b"
    assert crypto.sealed_with(parsed.wrap(crypto.new_key(), workspace_id="w")) == "b"


@pytest.mark.parametrize("text", ["", "a:short", "nokey", "a.b:" + "A" * 44, ":" + "A" * 43 + "="])
def test_it_refuses_a_broken_ring(text: str) -> None:
    with pytest.raises(SettingsError):
        KeyRing.parse(text)


def test_it_does_not_show_its_keys() -> None:
    key = crypto.new_key()
    assert repr(key) not in repr(KeyRing({"a": key}))
