"""From a posted form to values, and back to the form when something is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from flask import render_template, request

from mailsetup.core.errors import InvalidInput

LINE_LIMIT = 2_000
TEXT_LIMIT = 100_000
LONG_INPUTS = ("textarea", "file")


class FormField(Protocol):
    """What a form needs to know of a field; `mail_services.base.Field` is one."""

    @property
    def name(self) -> str:
        """The name in the form."""

    @property
    def label(self) -> str:
        """What a person calls it."""

    @property
    def input(self) -> str:
        """text, number, email, select, password, textarea, file, date or checkbox."""


def form_values(fields: Iterable[FormField]) -> dict[str, str]:
    """The posted value of each field, blanks around it removed. Raises InvalidInput for one that is far too long."""
    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    for field in fields:
        try:
            values[field.name] = _value(field)
        except InvalidInput as error:
            errors.update(error.fields)
    if errors:
        raise InvalidInput(errors)
    return values


def _value(field: FormField) -> str:
    value = _file_text(field) if field.input == "file" else request.form.get(field.name, "")
    limit = TEXT_LIMIT if field.input in LONG_INPUTS else LINE_LIMIT
    if len(value) > limit:
        raise InvalidInput({field.name: f"{field.label} is too long: at most {limit:,} characters."})
    if "\x00" in value:
        raise InvalidInput({field.name: f"{field.label} holds a character that cannot be used."})
    return value.strip()


def _file_text(field: FormField) -> str:
    try:
        return uploaded(field.name, label=field.label).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            {field.name: f"{field.label} is not a text file; PEM files begin with -----BEGIN."}
        ) from error


def uploaded(name: str, *, label: str, limit: int = TEXT_LIMIT) -> bytes:
    """The bytes of an uploaded file, nothing when none was chosen. Raises InvalidInput over `limit` bytes."""
    upload = request.files.get(name)
    content = upload.stream.read(limit + 1) if upload else b""
    if len(content) > limit:
        raise InvalidInput({name: f"{label} is too large: at most {limit // 1000} KB."})
    return content


def posted_values() -> dict[str, str]:
    """Everything that was posted, to fill the form again; the field macro never shows a secret one."""
    return {name: value for name, value in request.form.items() if name != "csrf_token"}


def invalid(template: str, errors: Mapping[str, str], **context: Any) -> tuple[str, int]:
    """The form again, with its errors and what was typed: 422, which htmx swaps in as well."""
    context.setdefault("values", posted_values())
    return render_template(template, errors=errors, **context), 422
