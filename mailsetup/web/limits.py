"""How often a person or an address may try; counted in Redis, in memory while Redis is away."""

from __future__ import annotations

import hashlib

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(key_func=get_remote_address, in_memory_fallback_enabled=True, headers_enabled=True)


def by_email(field: str = "email") -> str:
    """A limit key for the e-mail address in a form field: hashed, because keys are kept in Redis."""
    address = request.form.get(field, "").strip().lower()
    return hashlib.sha256(address.encode()).hexdigest()[:32] if address else get_remote_address()


def storage_url(redis_url: str) -> str:
    """The Redis URL in the spelling of the `limits` package; memory when there is none."""
    if not redis_url:
        return "memory://"
    return f"redis+{redis_url}" if redis_url.startswith("unix://") else redis_url


def install_limits(app: Flask, *, redis_url: str) -> None:
    """Points the limiter at Redis."""
    app.config.setdefault("RATELIMIT_STORAGE_URI", storage_url(redis_url))
    # The limiter remembers this from app to app, so each says it.
    app.config.setdefault("RATELIMIT_ENABLED", True)
    limiter.init_app(app)
