"""The first page: does mail flow, and if not, why."""
