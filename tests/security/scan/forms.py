"""What a page offers to send: its forms with every field, and its links."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

CSRF = "csrf_token"
NO_VALUE = {"submit", "button", "image", "reset"}
TYPICAL = {
    "email": "it@northwind.example",
    "number": "7",
    "date": "2031-05-06",
    "time": "08:30",
    "url": "https://a.example/b",
}


@dataclass
class Form:
    """One form: where it goes, how, and what it sends."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """Reads a page; buttons inside a form, and those that name it, belong to it."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.path = path
        self.links: set[str] = set()
        self.forms: list[Form] = []
        self._by_id: dict[str, Form] = {}
        self._inside: Form | None = None
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href", "").startswith("/"):
            self.links.add(given["href"])
        elif tag == "form":
            self._begin(given)
        elif tag in {"input", "textarea", "select", "button"}:
            self._take(tag, given)
        elif tag == "option" and self._select and self._inside:
            chosen = self._inside.fields.get(self._select)
            if chosen in {None, ""} or "selected" in given:
                self._inside.fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = None
        elif tag == "select":
            self._select = ""

    def _begin(self, given: dict[str, str]) -> None:
        form = Form(given.get("action") or self.path, given.get("method", "get").upper())
        self.forms.append(form)
        self._by_id[given.get("id", "")] = self._inside = form

    def _take(self, tag: str, given: dict[str, str]) -> None:
        form = self._by_id.get(given["form"]) if "form" in given else self._inside
        name, kind = given.get("name", ""), given.get("type", "text")
        if form is None or not name:
            return
        if tag == "select":
            self._select = name
            form.fields.setdefault(name, "")
        elif kind in {"radio", "checkbox"} and name in form.fields and "checked" not in given:
            return
        else:
            form.fields[name] = given.get("value") or ("" if kind in NO_VALUE else TYPICAL.get(kind, "Northwind"))
