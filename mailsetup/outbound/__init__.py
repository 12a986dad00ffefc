"""Saved setups: settings, health, tokens, and the way from a row to a ready mail service."""
