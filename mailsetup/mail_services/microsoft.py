"""Tokens from Microsoft."""

from __future__ import annotations

from collections.abc import Sequence

from mailsetup.mail_services.base import CredentialValue, Platform, Token, TokenCache


def acquire_app_token(
    platform: Platform, credential: CredentialValue, scope: str, cache: TokenCache, *, fresh: bool = False
) -> Token:
    """An app-only token. Raises TransportError."""
    raise NotImplementedError


def acquire_user_token(
    platform: Platform, credential: CredentialValue, scopes: Sequence[str], cache: TokenCache, *, fresh: bool = False
) -> Token:
    """A token of the signed-in person. Raises TransportError."""
    raise NotImplementedError
