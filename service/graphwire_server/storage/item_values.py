"""When the value of an item is what a search asks for.

Owns the one rule that every engine filters by, in Python; engines may say the same in their own language where that gives the same.
"""

from collections.abc import Mapping
from operator import ge, gt, le, lt

from graphwire_server.core.item_filters import Condition
from graphwire_server.core.model import JsonObject, JsonValue
from graphwire_server.storage.containment import equal

_ORDERS = {"$gt": gt, "$gte": ge, "$lt": lt, "$lte": le}


def holds(condition: Condition, value: JsonObject) -> bool:
    """Whether a condition holds for a value."""
    found: JsonValue = value
    for key in condition.path:
        found = found.get(key) if isinstance(found, Mapping) else None
    if condition.operator == "$object":
        return isinstance(found, Mapping)
    if condition.operator == "$eq":
        return equal(found, condition.operand)
    if condition.operator == "$ne":
        return not equal(found, condition.operand)
    return _same_kind(found, condition.operand) and bool(_ORDERS[condition.operator](found, condition.operand))


def _same_kind(found: JsonValue, operand: JsonValue) -> bool:
    if isinstance(operand, str):
        return isinstance(found, str)
    return isinstance(found, int | float) and not isinstance(found, bool)
