"""Scanners that nobody here wrote, against the running product: `python -m tests.security.scan`."""
