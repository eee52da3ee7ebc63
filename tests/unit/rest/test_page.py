from html.parser import HTMLParser
from typing import Any

from graphwire_server.rest.openapi import document
from graphwire_server.rest.page import page
from tests.unit.core.fakes import house
from tests.unit.rest.visits import table

EVIL = "<script>alert('x')</script>&\""


class Tags(HTMLParser):
    """Collects the tags of a page, and its links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}


def evil() -> dict[str, Any]:
    field = {"description": EVIL}
    operation = {
        "summary": EVIL,
        "tags": [EVIL],
        "parameters": [{"name": EVIL, "in": "query", "description": EVIL}],
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Evil"}}}},
        "responses": {EVIL: {}},
    }
    return {
        "info": {"title": EVIL, "version": EVIL, "description": EVIL},
        "paths": {f"/{EVIL}": {"post": operation}},
        "components": {"schemas": {"Evil": {"properties": {EVIL: field}}}},
    }


def test_nothing_that_is_described_becomes_a_tag() -> None:
    made = page(evil())

    assert "script" not in Tags(made).found
    assert made.count("&lt;script&gt;") == made.count("alert") == 12


def test_the_page_needs_nothing_from_elsewhere() -> None:
    made = Tags(page(document(table(house()), "1", "", keys=False)))

    assert made.links == {"openapi.json"}
    assert not {"script", "img", "link", "iframe"} & made.found


def test_every_path_and_field_is_on_it() -> None:
    described = document(table(house()), "1", "", keys=False)

    made = page(described)

    assert all(f"<code>{path}</code>" in made for path in described["paths"])
    assert "<code>multitask_strategy</code>" in made
    assert "<code>stream_modes (query)</code>" in made
    assert made.count("<h2>Runs</h2>") >= 1


def upload() -> dict[str, Any]:
    """What a user's app may say: a method with nothing, and a form with a file."""
    form = {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/Form"}}, "text/plain": {}}
    described = {"requestBody": {"content": form}, "parameters": [{"$ref": "#/components/parameters/p"}]}
    return {
        "info": {"title": "t", "version": "1", "description": "d"},
        "paths": {"/mine": {"get": {}, "post": described, "parameters": [], "summary": "s"}},
        "components": {"schemas": {"Form": {"properties": {"file": {}}}}},
    }


def test_what_the_users_app_describes_may_say_less_or_more_than_ours() -> None:
    made = page(upload())

    assert made.count("<code>/mine</code>") == 2
    assert "<h2>Custom</h2>" in made
    assert "<code>file</code>" in made
