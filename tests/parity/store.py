"""Rows: the store. What one transport keeps, both read."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from tests.faults.gate import Gate
from tests.parity.face import Face, Json
from tests.parity.scenario import Scenario
from tests.parity.wrongs import one

VALUES: dict[str, Json] = {
    "a": {"text": "ä", "n": 1, "big": 2**70, "o": {"x": [1, None]}},
    "b": {"n": 2.5, "flag": True},
    "c": {"n": "1", "flag": False, "o": {"x": 1}},
}
FILTERS: tuple[Json, ...] = (
    {"n": 1},
    {"n": {"$gte": 1}},
    {"n": {"$ne": 1}},
    {"flag": None},
    {"o": {"x": [1, None]}},
    {"big": 2**70},
)


def _kept(act: Callable[[Face, list[str]], Awaitable[Any]]) -> Callable[[Face, Gate], Awaitable[Json]]:
    """Items of the row's own, and what becomes of them."""

    async def filled(face: Face, _: Gate) -> Json:
        user = ["parity", str(uuid.uuid4())]
        for key, value in VALUES.items():
            await face.put_item(namespace=[*user, key, "notes"], key=key, value=value)
        return {"user": user, "answer": await act(face, user)}

    return filled


async def _nothing(face: Face, user: list[str]) -> None:
    pass


async def _replaced(face: Face, user: list[str]) -> Json:
    place = {"namespace": [*user, "a", "notes"], "key": "a"}
    await face.put_item(**place, value={"new": 1}, ttl=5)
    await face.put_item(**place, value={"newer": 1}, ttl=None, index=["newer"])
    await face.put_item(**place, value={"newest": 1}, index=False)
    return (await face.item(**place))["value"]


async def _deleted(face: Face, user: list[str]) -> Json:
    place = {"namespace": [*user, "a", "notes"], "key": "a"}
    await face.delete_item(**place)
    await face.delete_item(**place)
    return [await face.item(**place), await face.item(**place, refresh_ttl=True)]


async def _all_of_it(face: Face, made: Json) -> list[Json]:
    user = made["user"]
    return [
        *[await face.item(namespace=[*user, key, "notes"], key=key) for key in VALUES],
        await face.items(namespace_prefix=user),
        await face.items(namespace_prefix=user, query="no function ranks it", refresh_ttl=False),
        await face.items(namespace_prefix=user, limit=1, offset=1),
        *[await face.items(namespace_prefix=user, filter=each) for each in FILTERS],
        await face.namespaces(prefix=user),
        await face.namespaces(prefix=[user[0], "*", "b"], suffix=["notes"]),
        await face.namespaces(prefix=user, max_depth=3, limit=2, offset=1),
    ]


STORE = (
    Scenario(name="store items", act=_kept(_nothing), look=_all_of_it),
    Scenario(name="store an item that is replaced", act=_kept(_replaced), look=_all_of_it),
    Scenario(name="store an item that is deleted", act=_kept(_deleted), look=_all_of_it),
)


def _wrong_item(what: str, **body: Json) -> Scenario:
    whole = {"namespace": ["a"], "key": "k", "value": {}, **body}
    return one(f"an item {what}", lambda face: face.put_item(**whole))


WRONG_ITEMS = (
    _wrong_item("in no namespace", namespace=[]),
    _wrong_item("in a label with a period", namespace=["a", "b.c"]),
    _wrong_item("in an empty label", namespace=["a", ""]),
    _wrong_item("in LangGraph's own namespace", namespace=["langgraph", "x"]),
    _wrong_item("in too many labels", namespace=["a"] * 65),
    _wrong_item("without a key", key=""),
    _wrong_item("with a key that is too long", key="k" * 4097),
    _wrong_item("with a NUL in its key", key="\0"),
    _wrong_item("that is no object", value=[1]),
    _wrong_item("that is null", value="null"),
    _wrong_item("that is kept for no time", ttl=0),
    _wrong_item("that is kept for too long", ttl=60 * 24 * 366 * 101),
    one("an item in no namespace to read", lambda face: face.item(namespace=["a", ""], key="k")),
    one("an item without a key to read", lambda face: face.item(namespace=["a"], key="")),
    one("an item in no namespace to delete", lambda face: face.delete_item(namespace=[], key="k")),
    one("items below a wrong label", lambda face: face.items(namespace_prefix=["a", "b.c"])),
    one("items by an unknown operator", lambda face: face.items(filter={"n": {"$near": 1}})),
    one("items by an operator without a field", lambda face: face.items(filter={"$or": []})),
    one("items by an order of nothing", lambda face: face.items(filter={"n": {"$gt": None}})),
    one("items by no filter", lambda face: face.items(filter=[1])),
    one("namespaces that begin with a wrong label", lambda face: face.namespaces(prefix=["a.b"])),
    one("namespaces that end with a wrong label", lambda face: face.namespaces(suffix=[""])),
    one("namespaces of no depth", lambda face: face.namespaces(max_depth=0)),
)
