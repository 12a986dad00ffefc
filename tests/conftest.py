"""Fixtures every test may ask for; the servers behind them are plugins of their own."""

pytest_plugins = ["tests.databases", "tests.valkey_server"]
