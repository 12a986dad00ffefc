"""Pages of the wizard, one file a step."""

from __future__ import annotations

from flask import Blueprint

from mailsetup.wizard.views import begin, connect, credential, handover, permissions, rotate, sender, test_and_save
from mailsetup.wizard.views.blueprint import setup

PAGES = (begin, credential, connect, sender, test_and_save, rotate, permissions, handover)
blueprints: tuple[Blueprint, ...] = (setup, handover.link)
