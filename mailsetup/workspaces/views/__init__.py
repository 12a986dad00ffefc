"""The pages about people and workspaces."""

from __future__ import annotations

from flask import Blueprint

from mailsetup.workspaces.views import (
    audit,
    invitations,
    members,
    new_password,
    proof,
    second_factor,
    second_step,
    security,
    settings,
    sign_in,
    with_issuer,
    workspaces,
)

blueprints: tuple[Blueprint, ...] = (
    sign_in.blueprint,
    second_step.blueprint,
    with_issuer.blueprint,
    proof.blueprint,
    new_password.blueprint,
    invitations.blueprint,
    members.blueprint,
    audit.blueprint,
    settings.blueprint,
    security.blueprint,
    second_factor.blueprint,
    workspaces.blueprint,
)
