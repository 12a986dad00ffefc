"""Everything the API registers: its calls, its docs page, the pages of its keys, and what machines ask."""

from __future__ import annotations

from flask import Blueprint

from mailsetup.api import messages, openapi, outbound
from mailsetup.api.blueprint import api
from mailsetup.api.key_pages import api_keys
from mailsetup.api.operations import operations
from mailsetup.workspaces.access import public

api_docs = Blueprint("api_docs", __name__)
api_docs.add_url_rule("/api/docs", "index", public(openapi.docs))

CALLS = (messages, openapi, outbound)
blueprints: tuple[Blueprint, ...] = (api, api_docs, api_keys, operations)
