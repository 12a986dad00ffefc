"""The pages about a workspace's data."""

from __future__ import annotations

from flask import Blueprint

from mailsetup.privacy.views import data, erasing, exporting

blueprints: tuple[Blueprint, ...] = (data.blueprint, exporting.blueprint, erasing.blueprint)
