"""Operate Bud AI Foundry from code: typed, safe calls for everything its Day-2 guide does by hand.

    from bud_sdk import Client

    bud = Client("https://api.bud.example.com", email="admin@example.com", password="...")
    bud.users.list().all()

`Client` is for scripts and notebooks, `AsyncClient` has the same methods for asyncio. `bud_sdk.kubernetes.Cluster` is a
Kubernetes cluster. What calls return is in a module per topic: `bud_sdk.users.User`. Every failure is a `BudError`.
"""

import atexit

from bud_sdk import _native, _public, errors, types
from bud_sdk._base import Response
from bud_sdk._lists import (
    AsyncExport,
    AsyncItems,
    AsyncList,
    AsyncPages,
    Export,
    Items,
    List,
    Listing,
    Page,
    Pages,
)
from bud_sdk._native import Secret
from bud_sdk._public import *
from bud_sdk._table import Table
from bud_sdk._warnings import BudWarning
from bud_sdk.errors import *

__version__ = "0.1.0"

__all__ = [
    "AsyncExport",
    "AsyncItems",
    "AsyncList",
    "AsyncPages",
    "BudWarning",
    "Export",
    "Items",
    "List",
    "Listing",
    "Page",
    "Pages",
    "Response",
    "Secret",
    "Table",
    "errors",
    "types",
]
__all__ += _public.__all__
__all__ += errors.__all__

# Before the interpreter goes away, what is still running ends.
atexit.register(_native.shut_down)
