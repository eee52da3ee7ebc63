"""When metadata matches a query's metadata.

Owns the one rule that every engine filters by: an object contains a query when it has each of the query's keys, with an object
that contains the query's object, or with an equal value (as PostgreSQL's @> does for objects). A list equals a list of equal
values in the same order. Keys are compared whole: a dot or a quote in one has no meaning.
"""

from collections.abc import Mapping

from graphwire_server.core.model import JsonObject, JsonValue


def contains(value: JsonObject, query: JsonObject) -> bool:
    """Whether an object has all that a query asks for. An empty query matches everything."""
    return all(key in value and _holds(value[key], wanted) for key, wanted in query.items())


def _holds(value: JsonValue, wanted: JsonValue) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and contains(value, wanted)
    return equal(value, wanted)


def equal(left: JsonValue, right: JsonValue) -> bool:
    """Whether two values are the same JSON: objects whatever the order of their keys, numbers whatever their form."""
    # Python holds True to be 1; JSON does not.
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)
