"""Every way in: each route of the URL map with each parameter that a page, a link or the API's document names."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect, Rule

from mailsetup.core import db
from mailsetup.workspaces.access import PUBLIC
from tests.security.scan import calls
from tests.security.scan.calls import MARK
from tests.security.scan.forms import CSRF, Page
from tests.security.scan.links import link
from tests.security.scan.target import Browser, Target, known
from tests.walls import OBJECTS, SECRETS, WORDS

PAGES = 400
API = "/api/v1"
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
# What a view looks for and no page shows; a page that is refused for its cursor asks the database nothing.
NAMES = {"cursor": ""}
CARRIED = ("Cookie", "User-Agent", "Referer", "X-Forwarded-For", "Accept-Language")


@dataclass(frozen=True)
class Entry:
    """One request, and which of its parameters are tested by it."""

    method: str
    path: str
    endpoint: str
    place: str  # query, form, json, path or header; in the last two a mark shows where
    fields: Any = field(default_factory=dict)  # or a whole body
    tested: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    stranger: bool = False  # nobody is signed in

    @property
    def target(self) -> str:
        """Path and query, as the request has them."""
        return f"{self.path}?{urlencode(self.fields)}" if self.method == "GET" and self.fields else self.path

    @property
    def page(self) -> str:
        """The path alone."""
        return self.path.partition("?")[0]

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint} ({self.place}: {', '.join(self.tested)})"


class Ways:
    """Looks at every page as the owner, and puts together what was seen of each route."""

    def __init__(self, target: Target, browser: Browser) -> None:
        self.target, self.browser = target, browser
        self.adapter: MapAdapter = target.app.url_map.bind("localhost")
        self.cookie = browser.cookie
        self.queries: dict[str, dict[str, str]] = {}
        self.paths: dict[str, str] = {}
        self.posts: dict[str, list[dict[str, str]]] = {}
        self.actions: dict[str, str] = {}

    def rules(self) -> Iterator[tuple[Rule, str]]:
        for rule in self.target.app.url_map.iter_rules():
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                if rule.endpoint != "static":
                    yield rule, method

    def path(self, rule: Rule) -> str:
        """The route with fresh objects of our workspace."""
        with db.sessions()() as session:
            values = {
                name: str(value)
                for name, value in known(session, self.target.ours, rule.arguments & set(OBJECTS)).items()
            }
            secret = link(session, self.target.ours.person(session), rule.endpoint) if rule.arguments & SECRETS else ""
        words = {**values, **WORDS, **dict.fromkeys(SECRETS, secret)}
        return str(self.adapter.build(rule.endpoint, {name: words[name] for name in rule.arguments}))

    def look_around(self) -> None:
        """Opens every page and what it leads to, posts to every route, and asks which names were looked for."""
        for cookie in (self.browser.cookie, ""):
            self.cookie = cookie
            self._open_pages()
        self.cookie = self.browser.cookie
        self._post_everywhere()
        self._note_names()

    def _post_everywhere(self) -> None:
        for rule, method in list(self.rules()):
            if method == "POST" and not str(rule).startswith(API):
                for fields in self.posts.setdefault(rule.endpoint, [{}]):
                    body = {**fields, CSRF: self.browser.csrf}
                    where = f"{self.target.url}{self.path(rule)}?{self.actions.get(rule.endpoint, '')}"
                    requests.post(where, body, headers={"Cookie": self.cookie}, timeout=60, allow_redirects=False)

    def _note_names(self) -> None:
        """What the views looked for, whether a page shows it or not."""
        rules = {rule.endpoint: rule for rule, _ in self.rules()}
        for method, endpoint, place, name in self.target.names():
            if endpoint not in rules or str(rules[endpoint]).startswith(API) or name == CSRF:
                continue
            if place == "form" and method == "POST":
                for fields in self.posts[endpoint]:
                    fields.setdefault(name, NAMES.get(name, "Northwind"))
            elif place == "query" and method == "GET":
                self.queries.setdefault(endpoint, {}).setdefault(name, NAMES.get(name, "Northwind"))
                self.paths.setdefault(endpoint, self.path(rules[endpoint]))

        for endpoint, sorts in self.posts.items():
            for name in _names_in_source(self.target, endpoint) if sorts == [{}] else ():
                sorts[0][name] = "Northwind"

    def _open_pages(self) -> None:
        todo = [self.path(rule) for rule, method in self.rules() if method == "GET"]
        seen: set[str] = set()
        opened = 0
        while todo and opened < PAGES:
            path = todo.pop(0)
            if ID.sub("id", path) in seen:
                continue
            seen.add(ID.sub("id", path))
            opened += 1
            todo += sorted(self._read(path))

    def _read(self, path: str) -> set[str]:
        # The sandbox's pages and mails are no part of it: only what the product answers itself.
        answer = requests.get(
            self.target.url + path, headers={"Cookie": self.cookie}, timeout=30, allow_redirects=False
        )
        self._note_query(path, urlsplit(path).query)
        if "text/html" not in answer.headers.get("Content-Type", ""):
            return set()
        page = Page(path, answer.text)
        for form in page.forms:
            self._note_form(form.action, form.method, form.fields)
        return page.links

    def _endpoint(self, path: str, method: str) -> str:
        try:
            found, _ = self.adapter.match(urlsplit(path).path, method=method)
        except (HTTPException, RequestRedirect):
            return ""
        return str(found)

    def _note_query(self, path: str, query: str) -> None:
        endpoint = self._endpoint(path, "GET")
        if endpoint and query:
            self.queries.setdefault(endpoint, {}).update(parse_qsl(query, keep_blank_values=True))
            self.paths.setdefault(endpoint, urlsplit(path).path)

    def _note_form(self, action: str, method: str, fields: dict[str, str]) -> None:
        if method == "GET":
            self._note_query(action, urlencode(fields))
            return
        endpoint = self._endpoint(action, method)
        if endpoint:
            self.actions.setdefault(endpoint, urlsplit(action).query)
            self.posts.setdefault(endpoint, []).append(fields)

    def entries(self) -> list[Entry]:
        """What is tested, each parameter of each route once."""
        found = [*self._from_queries(), *self._from_forms(), *self._from_paths(), *self._from_api()]
        views = self.target.app.view_functions
        everybody = {one for one in views if getattr(views[one], "access_rule", PUBLIC) == PUBLIC}
        return [replace(one, stranger=one.endpoint in everybody) for one in [*found, *_from_headers(found)]]

    def _from_queries(self) -> Iterator[Entry]:
        for endpoint, fields in sorted(self.queries.items()):
            if not self.paths[endpoint].startswith(API):
                yield Entry("GET", self.paths[endpoint], endpoint, "query", fields, tuple(fields))

    def _from_forms(self) -> Iterator[Entry]:
        rules = {rule.endpoint: rule for rule, method in self.rules() if method == "POST"}
        for endpoint, sorts in sorted(self.posts.items()):
            done: set[str] = set()
            for fields in sorted(sorts, key=len, reverse=True):
                # One field for each setup, say: they differ by an id alone.
                sorts_of = {ID.sub("id", name): name for name in fields if name != CSRF}
                new = tuple(name for sort, name in sorts_of.items() if sort not in done)
                done |= set(sorts_of)
                if new:
                    known = {name: fields[name] for name in sorts_of.values()}
                    path, query = self.path(rules[endpoint]), self.actions.get(endpoint, "")
                    new += tuple(dict(parse_qsl(query)))
                    yield Entry("POST", f"{path}?{query}" if query else path, endpoint, "form", known, new)

    def _from_paths(self) -> Iterator[Entry]:
        """Ids are read by one converter, before any view sees them: each name once. Words and tokens: every route."""
        done: set[str] = set()
        for rule, method in self.rules():
            path = self.path(rule)
            for name in sorted(rule.arguments - done):
                done |= {name} & set(OBJECTS)
                words = self.adapter.match(path, method=method)[1]
                marked = path.replace(str(words[name]), f"{words[name]}{MARK}")
                headers = {"Authorization": f"Bearer {self.target.ours.key}"} if path.startswith(API) else {}
                yield Entry(method, marked, rule.endpoint, "path", {}, (name,), headers)

    def _from_api(self) -> Iterator[Entry]:
        document = self.target.app.test_client().get(f"{API}/openapi.json").get_json()
        key = {"Authorization": f"Bearer {self.target.ours.key}"}
        rules = {(rule.endpoint, method): rule for rule, method in self.rules()}
        good = calls.good(self.target.ours.word)
        for template, methods in document["paths"].items():
            for method, call in methods.items():
                sample = re.sub(r"{\w+}", "00000000-0000-4000-8000-000000000000", template)
                endpoint = self._endpoint(sample, method.upper())
                entry = Entry(method.upper(), self.path(rules[endpoint, method.upper()]), endpoint, "", headers=key)
                for place, fields, tested, headers in calls.ways(call, document, good):
                    yield replace(entry, place=place, fields=fields, tested=tested, headers={**key, **headers})


def _names_in_source(target: Target, endpoint: str) -> list[str]:
    """For a view that stopped before it looked: every name that its module asks a form for."""
    module = sys.modules[target.app.view_functions[endpoint].__module__]
    return sorted(set(re.findall(r'request\.(?:form|values)[.\[]\w*\(?"(\w+)"', inspect.getsource(module))))


def _from_headers(found: list[Entry]) -> Iterator[Entry]:
    """What every request carries is read in one place for all of them: each by some page and by some form."""
    for place in ("query", "form"):
        pages = [one for one in found if one.place == place]
        for entry, name in zip(pages, CARRIED, strict=False):
            yield replace(entry, place="header", tested=(name,), headers={name: f"Northwind{MARK}"})
