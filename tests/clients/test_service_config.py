"""The service config: every read is repeated and nothing else, and each client has the same."""

import json
from pathlib import Path

import pytest

from tests.clients.languages import CLIENTS
from tests.clients.methods import METHODS

CONFIG = CLIENTS / "service_config.json"
COPIES = (
    "python/graphwire",
    "go",
    "typescript/src",
    "java/graphwire/src/main/resources/io/graphwire",
)
READS = ("Get", "List", "Search", "Count", "Wait")


def test_it_names_every_read_and_no_other_call() -> None:
    (config,) = json.loads(CONFIG.read_text())["methodConfig"]

    named = [(entry["service"], entry["method"]) for entry in config["name"]]

    reads = {(m.service, m.name) for m in METHODS.values() if m.name.startswith(READS) and not m.streams}
    assert set(named) == reads
    assert len(named) == len(reads)


@pytest.mark.parametrize("folder", COPIES)
def test_each_client_has_the_same(folder: str) -> None:
    copy = Path(CLIENTS, folder, CONFIG.name)

    assert copy.read_bytes() == CONFIG.read_bytes(), "run `make gen`"
