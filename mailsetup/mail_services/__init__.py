"""The kinds of mail service: pure, no Flask, no database, no Redis."""
