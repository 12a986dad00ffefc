"""The pages about people and workspaces."""

from __future__ import annotations

from flask import Blueprint

from mailsetup.workspaces.views import (
    audit,
    invitations,
    members,
    proof,
    security,
    settings,
    sign_in,
    workspaces,
)

blueprints: tuple[Blueprint, ...] = (
    sign_in.blueprint,
    proof.blueprint,
    invitations.blueprint,
    members.blueprint,
    audit.blueprint,
    settings.blueprint,
    security.blueprint,
    workspaces.blueprint,
)
