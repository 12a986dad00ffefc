"""Our own static files."""

import re
from pathlib import Path

from flask import Flask, render_template

STATIC = Path(__file__).parents[2] / "static"
TEMPLATES = STATIC.parent / "templates"


def test_it_carries_the_licence_of_everything_vendored() -> None:
    for folder in (STATIC / "vendor").iterdir():
        if folder.is_dir():
            assert list(folder.glob("LICENSE*")), folder.name


def test_it_loads_nothing_from_another_host(app: Flask) -> None:
    with app.test_request_context():
        page = render_template("base_plain.html")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    assert all(address.startswith(("/", "#")) for address in loaded)
    for sheet in (STATIC / "css").glob("*.css"):
        assert "//" not in re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL), sheet.name


def test_it_serves_every_file_the_page_names(app: Flask) -> None:
    with app.test_request_context():
        page = render_template("base_plain.html")
    client = app.test_client()
    for address in re.findall(r'(?:src|href)="(/static[^"]+)"', page):
        assert client.get(address.replace("&amp;", "&")).status_code == 200, address


def test_it_writes_no_styles_or_handlers_into_pages() -> None:
    # The policy forbids them, so they would silently do nothing.
    for template in TEMPLATES.rglob("*.html"):
        if "email" in template.parts:
            continue
        found = re.search(r'\s(style|on[a-z]+)="|<style|hx-on|javascript:', template.read_text())
        assert not found, f"{template.name}: {found}"
