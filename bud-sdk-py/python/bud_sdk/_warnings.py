"""What is worth knowing of a result and is no error."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import NamedTuple

_LOG = logging.getLogger("bud_sdk")


class BudWarning(NamedTuple):
    """Something about a result that its caller should know and that is no error: the list changed while it was read, a
    change was accepted and not shown, a permission is wider than the one that was granted.

    Each is also logged as a warning of the logger `bud_sdk`, with its `code`.
    """

    code: str
    """A stable name, the same in all languages: `changed_while_reading`, `effective_level`, `limitation`..."""
    message: str
    """What there is to know, in one sentence. Never contains a secret."""


def warned(
    operation: str, pairs: Iterable[tuple[str, str]], known: tuple[BudWarning, ...] = ()
) -> tuple[BudWarning, ...]:
    """The warnings, of which those that were not known before are logged by the caller's own thread."""
    warnings = tuple(BudWarning(*pair) for pair in pairs)
    for code, message in warnings[len(known) :]:
        _LOG.warning("%s: %s", operation, message, extra={"code": code})
    return warnings
