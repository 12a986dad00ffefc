"""How often a person or an address may try; counted in Redis, in memory while Redis is away."""

from __future__ import annotations

import hashlib
import ipaddress
import time

from flask import Flask, g, request
from flask_limiter import Limiter
from limits import RateLimitItem, WindowStats
from limits.storage import RedisStorage
from limits.strategies import STRATEGIES, FixedWindowRateLimiter

ONE_TRIP = "fixed-window-in-one-trip"
_COUNT = """
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
if count == tonumber(ARGV[2]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('TTL', KEYS[1])}
"""


class OneTrip(FixedWindowRateLimiter):
    """Fixed windows; what an answer's headers tell of one comes with its count, where others ask twice more."""

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Counts one more; whether that many are allowed."""
        if not isinstance(self.storage, RedisStorage):
            return super().hit(item, *identifiers, cost=cost)
        key = self.storage.prefixed_key(item.key_for(*identifiers))
        script = self.storage.get_connection().register_script(_COUNT.encode())
        count, seconds = script([key], [item.get_expiry(), cost])
        g.limit_windows = {**g.get("limit_windows", {}), key: (time.time() + max(seconds, 0), count)}
        return int(count) <= item.amount

    def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        """When the window ends, and what is left in it."""
        if isinstance(self.storage, RedisStorage):
            key = self.storage.prefixed_key(item.key_for(*identifiers))
            ends, count = g.get("limit_windows", {}).get(key, (None, 0))
            if ends is not None:
                return WindowStats(ends, max(0, item.amount - count))
        return super().get_window_stats(item, *identifiers)


def by_network() -> str:
    """Whose tries count together: an IPv4 address, or the /64 of an IPv6 address, as whoever has one has them all."""
    given = request.remote_addr or ""
    text = given.partition("]")[0].lstrip("[") if given.startswith("[") else given
    try:
        address = ipaddress.ip_address(text.partition(":")[0] if text.count(":") == 1 else text)
    except ValueError:
        return given
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address), 64), strict=False))


STRATEGIES[ONE_TRIP] = OneTrip
limiter = Limiter(key_func=by_network, strategy=ONE_TRIP, in_memory_fallback_enabled=True, headers_enabled=True)


def by_email(address: str) -> str:
    """A limit key for an e-mail address: hashed, because keys are kept in Redis."""
    address = address.strip().lower()
    return hashlib.sha256(address.encode()).hexdigest()[:32] if address else by_network()


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
