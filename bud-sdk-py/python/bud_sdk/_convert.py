"""Values on their way into and out of the native part."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID


def plain(value: object) -> tuple[bool, Any] | None:
    """What the value is in JSON: (True, it), (False, why it cannot be sent), or None for an unknown type."""
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            return False, "it has no zone: pass an aware datetime, such as datetime.now(timezone.utc)"
        return True, value.isoformat()
    if isinstance(value, timedelta):
        return True, value.total_seconds()
    if isinstance(value, Enum):
        return True, value.value
    if isinstance(value, Decimal):
        if not value.is_finite():
            return False, "it is no finite number"
        return True, f"{value:f}"
    if isinstance(value, UUID):
        return True, str(value)
    if isinstance(value, os.PathLike):
        path = os.fspath(value)
        return (True, path) if isinstance(path, str) else (False, "a path of bytes cannot be sent")
    if isinstance(value, Mapping):
        return True, dict(value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return True, list(value)
    if isinstance(value, (set, frozenset)):
        return True, sorted(value)
    return _number(value)


def _number(value: Any) -> tuple[bool, Any] | None:
    """Numbers of other libraries, such as numpy's. Their arrays have a length, and are no numbers."""
    kind = type(value)
    if hasattr(kind, "__len__"):
        return None
    if kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"):
        return True, bool(value)
    ways: tuple[tuple[str, Callable[[Any], object]], ...] = (("__index__", operator.index), ("__float__", float))
    for method, convert in ways:
        if hasattr(kind, method):
            try:
                return True, convert(value)
            except (TypeError, ValueError, OverflowError):
                return False, f"a {kind.__name__} that is no number cannot be sent"
    return None


def without_models(value: Any) -> Any:
    """The value with dicts in place of models."""
    if isinstance(value, list):
        return [without_models(item) for item in value]
    if isinstance(value, dict):
        return {name: without_models(item) for name, item in value.items()}
    if type(value).__module__.partition(".")[0] == "bud_sdk" and hasattr(value, "to_dict"):
        return value.to_dict()
    return value
