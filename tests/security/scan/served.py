"""The product as the scanners meet it: all of it, without the limits on how often one may ask.

A scanner that is told to come again in an hour has scanned nothing; the limits have tests of their own.
"""

from app import app
from mailsetup.web.limits import limiter

__all__ = ["app"]
limiter.enabled = False
