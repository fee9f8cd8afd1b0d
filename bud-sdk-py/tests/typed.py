"""What type checkers see; it is checked and never run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from bud_sdk import (
    AsyncClient,
    AsyncExport,
    AsyncList,
    AsyncPages,
    BudError,
    BudWarning,
    Client,
    Export,
    Items,
    List,
    Listing,
    Pages,
    RawAnswer,
    Response,
    Secret,
    Table,
)
from bud_sdk.account import ModulePermission
from bud_sdk.audit import AuditRecord, ExportProgress, ExportSummary
from bud_sdk.credentials import IssuedKey
from bud_sdk.endpoints import Endpoint, EndpointStatus
from bud_sdk.kubernetes import Cluster
from bud_sdk.quotas import Quota
from bud_sdk.report import Finding, FleetReport, Report, ReportDiff
from bud_sdk.users import CreatedUser, Role, User
from typing_extensions import assert_type


def sync(bud: Client) -> None:
    assert_type(bud.users.get("u-1"), User)
    assert_type(bud.users.list(role="ADMIN", page_size=50), List[User])
    assert_type(iter(bud.users.list()), Items[User])
    assert_type(bud.users.list().pages(), Pages[User])
    assert_type(bud.users.list().all(), Listing[User])
    assert_type(bud.users.list().all().warnings, tuple[BudWarning, ...])
    assert_type(bud.users.list().all()[0].id, str)
    assert_type(bud.users.list().first(), User | None)
    user = bud.users.get("u-1", timeout=timedelta(seconds=5), attempts=1, headers={"x": "y"})
    assert_type(user.created_at, datetime | None)
    assert_type(user.role, Role | None)
    assert_type(bud.users.set_role(user, role="a role of tomorrow"), User)
    made = bud.users.create(email="a@b.c", first_name="A", last_name="B", role="USER", password="x")
    assert_type(made, CreatedUser)
    assert_type(made.one_time_password, Secret | None)
    assert_type(bud.quotas.of_project("p-1"), Quota)
    assert_type(bud.quotas.of_project("p-1").cost_used, Decimal | None)
    assert_type(bud.auth.permissions(), Table[ModulePermission])
    assert_type(bud.credentials.create(name="n", project="p-1"), IssuedKey)
    assert_type(bud.flavor(), str)
    assert_type(bud.raw("GET", "/x"), RawAnswer)
    assert_type(bud.endpoints.wait("e-1", on_update=see), Endpoint)
    export = bud.audit.export(start=datetime.now().astimezone(), end="2026-01-01T00:00:00Z")
    assert_type(export, Export)
    assert_type(iter(export), Iterator[bytes])
    assert_type(export.write_to("x", on_update=progress), ExportSummary)
    assert_type(export.records(), List[AuditRecord])
    assert_type(bud.with_response(bud.users.get, "u-1", timeout=3), Response[User])
    assert_type(bud.with_options(timeout=3), Client)
    with bud as same:
        assert_type(same, Client)
    bud.users.get(bud.projects.get("p-1"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bud.users.get("u-1", timeuot=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    user.email = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    bud.with_response(bud.users.get, 7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def asynchronous(bud: AsyncClient) -> None:
    assert_type(await bud.users.get("u-1"), User)
    assert_type(bud.users.list(), AsyncList[User])
    assert_type(bud.users.list().pages(), AsyncPages[User])
    assert_type(await bud.users.list().all(), Listing[User])
    assert_type([user async for user in bud.users.list()], list[User])
    assert_type(await bud.endpoints.wait("e-1", on_update=see), Endpoint)
    export = bud.audit.export(start="2026-01-01T00:00:00Z", end="2026-02-01T00:00:00Z")
    assert_type(export, AsyncExport)
    assert_type([chunk async for chunk in export], list[bytes])
    assert_type(await export.write_to("x", on_update=later), ExportSummary)
    assert_type(await bud.with_response(bud.users.get, "u-1"), Response[User])
    async with bud as same:
        assert_type(same, AsyncClient)


def see(endpoint: Endpoint) -> None:
    assert_type(endpoint.status, EndpointStatus | None)


def progress(seen: ExportProgress) -> None:
    assert_type(seen.total, int | None)


async def later(seen: ExportProgress) -> None:
    assert_type(seen.bytes, int)


def failed(error: BudError) -> None:
    assert_type(error.status, int | None)
    assert_type(error.retry_after, timedelta | None)
    assert_type(error.code, str)
    assert_type(error.is_retryable, bool)
    assert_type(error.required_permission, str | None)


def on_cluster(cluster: Cluster) -> None:
    report = cluster.report(only=["bud-system"], timeout=60)
    assert_type(report, Report)
    assert_type(cluster.reports(["a", "b"]), FleetReport)
    assert_type(report.to_text(), str)
    assert_type(report.roots(), Table[Finding])
    assert_type(report.diff(report), ReportDiff)
    assert_type(report.findings[0].since, datetime | None)
