import inspect
import re
from collections.abc import Iterator

import pytest

from graphwire_server.core import errors
from graphwire_server.core.errors import GraphwireError, Kind


def tree(root: type[GraphwireError] = GraphwireError) -> Iterator[type[GraphwireError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


CONCRETE = [made for made in tree() if made is not errors.ResourceNotFound]


@pytest.mark.parametrize("error", CONCRETE)
def test_each_error_has_a_kind_and_a_stable_reason(error: type[GraphwireError]) -> None:
    assert isinstance(error.kind, Kind)
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", error.reason)


def test_reasons_are_distinct() -> None:
    assert len({error.reason for error in CONCRETE}) == len(CONCRETE)


@pytest.mark.parametrize("error", CONCRETE)
def test_each_error_says_what_to_do(error: type[GraphwireError]) -> None:
    assert inspect.getdoc(error)


@pytest.mark.parametrize(
    ("error", "kind", "metadata"),
    [
        (errors.InvalidField("a.b", "bad"), Kind.INVALID_ARGUMENT, {"field": "a.b"}),
        (errors.RunNotFound("r"), Kind.NOT_FOUND, {}),
        (errors.ThreadExists("t"), Kind.ALREADY_EXISTS, {}),
        (errors.ThreadBusy("t", "the run"), Kind.FAILED_PRECONDITION, {"thread_id": "t"}),
        (errors.RunFinished("r", "success"), Kind.FAILED_PRECONDITION, {"run_id": "r", "status": "success"}),
        (errors.RunActive("r", "running"), Kind.FAILED_PRECONDITION, {"run_id": "r", "status": "running"}),
        (
            errors.CursorExpired(1, 5, 9),
            Kind.OUT_OF_RANGE,
            {"after_seq": "1", "oldest_seq": "5", "newest_seq": "9"},
        ),
        (errors.SlowReader(4), Kind.RESOURCE_EXHAUSTED, {"after_seq": "4"}),
        (errors.Draining(4), Kind.UNAVAILABLE, {"after_seq": "4"}),
        (errors.Draining(), Kind.UNAVAILABLE, {}),
        (errors.NotOffered("it"), Kind.UNIMPLEMENTED, {}),
    ],
)
def test_facts_for_programs_are_text(error: GraphwireError, kind: Kind, metadata: dict[str, str]) -> None:
    assert (error.kind, error.metadata) == (kind, metadata)


@pytest.mark.parametrize("thread_id", ["t", None])
def test_nothing_to_resume_says_where(thread_id: str | None) -> None:
    assert ("'t'" in errors.NothingToResume(thread_id).message) is (thread_id is not None)
