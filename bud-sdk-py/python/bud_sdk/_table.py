"""A list that shows itself as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from bud_sdk import _html
from bud_sdk._convert import without_models

T = TypeVar("T")


class Table(list[T]):
    """A list of items. Notebooks show it as a table; `pandas.DataFrame(table.to_dicts())` makes a frame of it."""

    __slots__ = ()

    def __init__(self, items: Iterable[T] = ()) -> None:
        super().__init__(items)

    def to_dicts(self) -> list[dict[str, Any]]:
        """The items as dicts; secrets are left out."""
        return [without_models(item) for item in self]

    def _repr_html_(self) -> str:
        return _html.of_items(self)
