from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from graphwire_server.core.ttl import Ttl, TtlPolicy, TtlStrategy
from graphwire_server.engine.document import ManifestError, read_document
from graphwire_server.engine.ttl import VARIABLE, read_ttl

MONTH = Ttl(after=timedelta(days=30))
FILE = '{"graphs": {},\n "checkpointer": {\n"ttl": %s}}'


def read(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> TtlPolicy:
    (tmp_path / "langgraph.json").write_text(text)
    return read_ttl(read_document(tmp_path / "langgraph.json", "{}"), environ or {})


@pytest.mark.parametrize(
    ("section", "policy"),
    [
        ("{}", TtlPolicy()),
        ("null", TtlPolicy()),
        ('{"default_ttl": 43200}', TtlPolicy(default=MONTH)),
        ('{"default_ttl": 0}', TtlPolicy()),
        ('{"sweep_interval_minutes": 0.5}', TtlPolicy(interval=timedelta(seconds=30))),
        (
            '{"strategy": "keep_latest", "default_ttl": 1.5, "sweep_interval_minutes": 60, "sweep_limit": 7}',
            TtlPolicy(
                default=Ttl(after=timedelta(seconds=90), strategy=TtlStrategy.KEEP_LATEST),
                interval=timedelta(hours=1),
                limit=7,
            ),
        ),
    ],
)
def test_what_the_file_says(tmp_path: Path, section: str, policy: TtlPolicy) -> None:
    assert read(tmp_path, FILE % section) == policy


@pytest.mark.parametrize(
    ("value", "policy"),
    [
        ("", TtlPolicy()),
        ("43200", TtlPolicy(default=MONTH)),
        (' {"default_ttl": 43200, "strategy": "delete", "sweep_limit": 3} ', TtlPolicy(default=MONTH, limit=3)),
    ],
)
def test_what_the_variable_says(tmp_path: Path, value: str, policy: TtlPolicy) -> None:
    assert read(tmp_path, '{"checkpointer": {"path": "x"}}', {VARIABLE: value}) == policy


def test_the_file_goes_before_the_variable(tmp_path: Path) -> None:
    assert read(tmp_path, FILE % '{"default_ttl": 43200}', {VARIABLE: "5"}) == TtlPolicy(default=MONTH)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("5", "checkpointer.ttl: this must be a map"),
        ('{"strategy": "sideways"}', "checkpointer.ttl.strategy: 'sideways'"),
        ('{"default_ttl": -1}', "checkpointer.ttl.default_ttl: this must be a number of minutes"),
        ('{"default_ttl": true}', "checkpointer.ttl.default_ttl: this must be a number of minutes"),
        ('{"default_ttl": 1e12}', "checkpointer.ttl.default_ttl: this must be at most 5256000 minutes"),
        ('{"sweep_interval_minutes": 0}', "sweep_interval_minutes: this must be more than 0"),
        ('{"sweep_limit": 0}', "sweep_limit: this must be more than 0"),
        ('{"sweep_limit": 1.5}', "sweep_limit: this must be a whole number"),
    ],
)
def test_what_the_file_cannot_mean(tmp_path: Path, section: str, says: str) -> None:
    with pytest.raises(ManifestError) as refused:
        read(tmp_path, FILE % section)

    assert str(refused.value).startswith(f"{tmp_path / 'langgraph.json'}:")
    assert says in str(refused.value)


@pytest.mark.parametrize("value", ["soon", "[]", "true", '{"strategy": "sideways"}', "-1", '{"default_ttl": "x"}'])
def test_what_the_variable_cannot_mean(tmp_path: Path, value: str) -> None:
    with pytest.raises(ManifestError, match=f"^the variable {VARIABLE}"):
        read(tmp_path, "{}", {VARIABLE: value})
