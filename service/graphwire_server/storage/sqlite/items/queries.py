"""The statements that find items.

Owns the text and the parameters of each search, and by which way items are found: below their namespace where few are there, by the value of a field where a filter
says what it equals, else the last written first. Which way is taken changes how long a search takes, never what it finds.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import apsw

from graphwire_server.core.item_filters import Condition
from graphwire_server.core.items import ItemSearch, Namespace
from graphwire_server.storage.sqlite.codec import encode
from graphwire_server.storage.sqlite.items.schema import LONGEST_INDEXED

Parameters: TypeAlias = list[Any]

COLUMNS = "items.namespace, items.key, items.value, items.created_at, items.updated_at, items.ttl, items.id"

_FEW = 1000
"""Up to how many items below a namespace are looked at each."""
_COUNTED = 5000
_EXACT = 2**63
_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
"""Keys that can be said in a path of SQLite's, and texts that it reads as they are."""
_ORDERS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
TIMELY = "(items.expires_at IS NULL OR items.expires_at > ?)"


class Statement(NamedTuple):
    """A statement, and its parameters."""

    text: str
    parameters: Parameters


def text_of(namespace: Namespace) -> str:
    """A namespace as it is kept. Labels have no periods."""
    return ".".join(namespace)


def below(prefix: Namespace, column: str = "items.namespace") -> Statement:
    """The condition that the namespace in a column is a prefix or below it: a range that an index has, and in it what is no label's part, since `a-b` stands between `a` and `a.b`."""
    if not prefix:
        return Statement("TRUE", [])
    text = text_of(prefix)
    inside = f"{column} >= ? AND {column} < ? AND ({column} = ? OR {column} >= ?)"
    return Statement(inside, [text, f"{text}/", text, f"{text}."])


def found_by(connection: apsw.Connection, search: ItemSearch, now: int) -> Statement:
    """The statement of a search that no vector ranks."""
    source, order = _way(connection, search)
    wanted = _wanted(search, now)
    text = (
        f"SELECT {COLUMNS} FROM {source.text} AND {wanted.text} "  # noqa: S608  no part of it is a caller's text
        f"ORDER BY {order} LIMIT ? OFFSET ?"
    )
    return Statement(text, [*source.parameters, *wanted.parameters, search.page.limit, search.page.offset])


def nearest_to(search: ItemSearch, vector: bytes, now: int) -> Statement:
    """The statement of a search by a vector. An item is as near as the nearest of its texts; vectors of another length are an earlier function's."""
    wanted = _wanted(search, now)
    text = f"""
        SELECT {COLUMNS}, 1.0 - near.distance FROM (
            SELECT items.id AS item, MIN(vec_distance_cosine(vectors.vector, ?)) AS distance
            FROM items JOIN vectors ON vectors.item = items.id
            WHERE length(vectors.vector) = ? AND {wanted.text}
            GROUP BY items.id HAVING distance IS NOT NULL
            ORDER BY distance, items.id DESC LIMIT ? OFFSET ?
        ) AS near JOIN items ON items.id = near.item
        ORDER BY near.distance, items.id DESC
    """  # noqa: S608  as above
    parameters = [vector, len(vector), *wanted.parameters, search.page.limit, search.page.offset]
    return Statement(text, parameters)


def _wanted(search: ItemSearch, now: int) -> Statement:
    inside = below(search.prefix)
    conditions = [condition(each) for each in search.conditions]
    text = " AND ".join((inside.text, TIMELY, *(f"coalesce({each.text}, FALSE)" for each in conditions)))
    return Statement(text, [*inside.parameters, now, *(value for each in conditions for value in each.parameters)])


def _way(connection: apsw.Connection, search: ItemSearch) -> tuple[Statement, str]:
    """Where to look, and in which order the last written comes first there."""
    newest = "items.updated_at DESC, items.id DESC"
    if search.prefix and _count(connection, _inside(search.prefix), _FEW) < _FEW:
        return Statement("items INDEXED BY items_by_namespace WHERE TRUE", []), newest
    if not _count(connection, Statement("items WHERE wide", []), 1):
        found = [(_count(connection, _holding(each), _COUNTED), each) for each in _fields(search)]
        # Of an equality all have the order that is wanted; what lies between two values has to be sorted, so that it must be few.
        fit = [(count, each) for count, each in found if count < _COUNTED or each.ordered]
        if fit:
            _, rarest = min(fit, key=lambda pair: pair[0])
            text = f"fields CROSS JOIN items ON items.id = fields.item WHERE {rarest.text}"
            return Statement(text, rarest.parameters), "fields.updated_at DESC, fields.item DESC"
    return Statement("items INDEXED BY items_by_time WHERE TRUE", []), newest


class _Field(NamedTuple):
    """The rows of the index of values that a condition leaves, and whether the last written is the last of them."""

    text: str
    parameters: Parameters
    ordered: bool


def _inside(prefix: Namespace) -> Statement:
    found = below(prefix)
    return Statement(f"items INDEXED BY items_by_namespace WHERE {found.text}", found.parameters)


def _holding(field: _Field) -> Statement:
    return Statement(f"fields WHERE {field.text}", field.parameters)


def _count(connection: apsw.Connection, source: Statement, most: int) -> int:
    text = f"SELECT count(*) FROM (SELECT 1 FROM {source.text} LIMIT {most})"  # noqa: S608  as above
    (found,) = next(connection.execute(text, source.parameters))
    return int(found)


def _fields(search: ItemSearch) -> Iterator[_Field]:
    """By which conditions the index of values finds items. It has all for which they hold, or none of it is said."""
    for each in search.conditions:
        value = each.operand
        if len(each.path) > 1 or len(each.path[0]) > LONGEST_INDEXED or not _plain(each):
            continue
        if each.operator == "$eq" and (isinstance(value, int | float) or _short(value)):
            indexed = (b"\1" if value else b"\0") if isinstance(value, bool) else value
            yield _Field("fields.field = ? AND fields.value = ?", [each.path[0], indexed], ordered=True)
        elif each.operator in _ORDERS and isinstance(value, int | float):
            text = f"fields.field = ? AND fields.value {_ORDERS[each.operator]} ? AND fields.value < ''"
            yield _Field(text, [each.path[0], value], ordered=False)


def _short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_INDEXED


def condition(wanted: Condition) -> Statement:
    """A condition on a value, in SQL where that says the same as `storage/item_values`, else by that itself."""
    path = "$" + "".join(f'."{key}"' for key in wanted.path)
    if wanted.operator == "$object":
        return Statement("json_type(items.value, ?) = 'object'", [path]) if _plain(wanted) else _in_python(wanted)
    if not _plain(wanted) or isinstance(wanted.operand, list | dict):
        return _in_python(wanted)
    if wanted.operator in ("$eq", "$ne"):
        same = _equal(path, wanted.operand)
        return same if wanted.operator == "$eq" else Statement(f"NOT coalesce({same.text}, FALSE)", same.parameters)
    kinds = "('text')" if isinstance(wanted.operand, str) else "('integer', 'real')"
    text = f"json_type(items.value, ?) IN {kinds} AND json_extract(items.value, ?) {_ORDERS[wanted.operator]} ?"
    return Statement(f"({text})", [path, path, wanted.operand])


def _equal(path: str, value: Any) -> Statement:
    if value is None:
        return Statement("coalesce(json_type(items.value, ?), 'null') = 'null'", [path])
    if isinstance(value, bool):
        return Statement("json_type(items.value, ?) = ?", [path, "true" if value else "false"])
    kinds = "('text')" if isinstance(value, str) else "('integer', 'real')"
    return Statement(
        f"(json_type(items.value, ?) IN {kinds} AND json_extract(items.value, ?) = ?)", [path, path, value]
    )


def _plain(wanted: Condition) -> bool:
    """Whether SQLite can compare by it exactly: its JSON knows 64 bits of an integer, and ends texts at a NUL."""
    value = wanted.operand
    if not all(map(_PLAIN.fullmatch, wanted.path)):
        return False
    if isinstance(value, str):
        return "\0" not in value and value.isprintable()
    return not isinstance(value, int) or -_EXACT <= value < _EXACT


def _in_python(wanted: Condition) -> Statement:
    return Statement("matches(items.value, ?)", [encode([list(wanted.path), wanted.operator, wanted.operand])])
