"""What the tests of the advisories share with those of the mail services and of the API."""

from tests.api.conftest import config
from tests.mail_services.conftest import authority, door, mail, microsoft, smtp

__all__ = ["authority", "config", "door", "mail", "microsoft", "smtp"]
