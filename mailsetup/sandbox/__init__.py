"""A local Microsoft and an inbox, for development and tests; refuses production."""
