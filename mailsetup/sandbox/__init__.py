"""A local Microsoft and an inbox, for development and tests; refuses production."""

from mailsetup.sandbox.inbox import Mail
from mailsetup.sandbox.server import Sandbox

__all__ = ["Mail", "Sandbox"]
