"""The SMTP submission door into the outbox."""
