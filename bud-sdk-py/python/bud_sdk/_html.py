"""Models and lists as tables, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any

from bud_sdk import _native

MOST_ROWS = 100
LONGEST = 120


def cell(value: Any) -> str:
    """The value as people read it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S")
    elif isinstance(value, list):
        text = f"{len(value)} items" if len(value) > 3 else ", ".join(map(str, value))
    else:
        text = str(value)
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return escape(text)


def of_model(model: Any, fields: Sequence[str]) -> str:
    """One model: a row per field that is set. A report shows itself as people read it."""
    if isinstance(model, _native.Report):
        return model.to_html()
    rows = []
    for field in fields:
        value = getattr(model, field)
        if value is not None:
            rows.append(f"<tr><th style='text-align:left'>{escape(field)}</th><td>{cell(value)}</td></tr>")
    return f"<table><caption>{type(model).__name__}</caption><tbody>{''.join(rows)}</tbody></table>"


def of_items(items: Sequence[Any]) -> str:
    """A list of models or dicts: a row per item, a column per field that is set in any of them."""
    shown = items[:MOST_ROWS]
    rows = [row_of(item) for item in shown]
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(name for name, value in row.items() if value is not None))
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{cell(row.get(name))}</td>" for name in columns) + "</tr>" for row in rows)
    left = len(items) - len(shown)
    more = f" ({left} more)" if left else ""
    caption = f"{len(items)} item{'' if len(items) == 1 else 's'}{more}"
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def row_of(item: Any) -> dict[str, Any]:
    """The fields of an item; what has none is one field."""
    if isinstance(item, dict):
        return {str(name): value for name, value in item.items()}
    fields = getattr(type(item), "__match_args__", None)
    if fields:
        return {field: getattr(item, field) for field in fields}
    return {"": item}
