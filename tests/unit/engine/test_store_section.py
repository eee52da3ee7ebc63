import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from graphwire_server.engine.document import ManifestError, read_document
from graphwire_server.engine.store_section import StoreSection, read_store

EMBED = {"embed": "./embed.py:embed", "dims": 3}


def read(tmp_path: Path, store: Any) -> StoreSection:
    path = tmp_path / "langgraph.json"
    path.write_text(json.dumps({"store": store}, indent=1))
    return read_store(read_document(path, "{}"))


@pytest.mark.parametrize("store", [None, {}, {"ttl": None, "index": {}, "path": None}])
def test_defaults(tmp_path: Path, store: Any) -> None:
    assert read(tmp_path, store) == StoreSection()


def test_how_long_items_are_kept(tmp_path: Path) -> None:
    found = read(tmp_path, {"ttl": {"default_ttl": 1.5, "refresh_on_read": False, "sweep_interval_minutes": 10}})

    assert (found.default_ttl, found.sweep_interval) == (timedelta(seconds=90), timedelta(minutes=10))
    assert not found.refresh_on_read


@pytest.mark.parametrize(
    ("embed", "target", "attribute"),
    [
        ("./embed.py:embed", "./embed.py", "embed"),
        ("my.package:embed", "my.package", "embed"),
        ("openai:text-embedding-3-small", "openai:text-embedding-3-small", ""),
        ("ollama:nomic:latest", "ollama:nomic:latest", ""),
    ],
)
def test_the_embedding_function(tmp_path: Path, embed: str, target: str, attribute: str) -> None:
    index = read(tmp_path, {"index": {**EMBED, "embed": embed}}).index

    assert index is not None
    assert (index.embed.target, index.embed.attribute, index.embed.by_provider) == (target, attribute, not attribute)
    assert (index.dims, index.fields) == (3, ("$",))


@pytest.mark.parametrize(
    ("store", "says"),
    [
        ({"path": "./store.py:make"}, r"langgraph.json:3: store.path: a store of your own is not offered"),
        ({"index": {"dims": 3}}, 'store.index: this must have "embed" and "dims"'),
        ({"index": {"embed": "./embed.py:embed"}}, "store.index: this must have"),
        ({"index": {**EMBED, "dims": 0}}, "store.index.dims: this must be 1 to"),
        ({"index": {**EMBED, "dims": "3"}}, "store.index.dims"),
        ({"index": {**EMBED, "embed": "./embed.py"}}, "store.index.embed: './embed.py' names no attribute"),
        ({"index": {**EMBED, "fields": "text"}}, "store.index.fields"),
        ({"index": []}, "store.index: this must be a map"),
        ({"ttl": {"default_ttl": 0}}, "store.ttl.default_ttl: this must be a number of minutes"),
        ({"ttl": {"default_ttl": True}}, "store.ttl.default_ttl"),
        ({"ttl": {"sweep_interval_minutes": "5"}}, "store.ttl.sweep_interval_minutes"),
        ({"ttl": {"refresh_on_read": 1}}, "store.ttl.refresh_on_read: this must be true or false"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(tmp_path: Path, store: Any, says: str) -> None:
    with pytest.raises(ManifestError, match=says):
        read(tmp_path, store)
