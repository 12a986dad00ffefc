"""One module for each kind of mail service."""
