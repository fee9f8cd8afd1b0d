"""The scenarios that all languages replay: the same requests byte for byte, the same results, the same errors."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bud_sdk
import pytest
from bud_sdk import BudError, Client, Secret, _native
from conftest import BACKENDS, CONTRACT, made
from server import Answer, Request, Script, Server

OUTCOMES = ("result", "pages", "bytes", "updates", "file", "error", "warnings")


def scenarios() -> Iterator[dict[str, Any]]:
    for path in sorted((CONTRACT / "scenarios").glob("*/*.json")):
        yield json.loads(path.read_text())


def backend(scenario: dict[str, Any]) -> str:
    """The backend that the call belongs to."""
    name: str = scenario.get("backend", "bud")
    return name


SCENARIOS = list(scenarios())
RECORDED = {
    exchange["name"]: exchange
    for file in ("exchanges_keycloak.jsonl", "exchanges.jsonl")
    for exchange in map(json.loads, (CONTRACT / "runtime" / file).read_text().splitlines())
}


def answer(wanted: dict[str, Any]) -> Answer:
    if wanted.get("close"):
        return Answer(close=True)
    status = wanted.get("status", 200)
    if name := wanted.get("recorded"):
        exchange = RECORDED[name]
        known = exchange["response_headers"]
        headers = [(header, known[header]) for header in ("content-type", "retry-after") if header in known]
        body = exchange["response_body"]
        recorded = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        return Answer(exchange["status"], recorded.encode(), headers)
    if name := wanted.get("fixture"):
        return Answer.of(json.loads((CONTRACT / f"guide/{name}.json").read_text()), status)
    kind = "text/plain" if "text" in wanted else "application/json"
    headers = list({"content-type": kind, **wanted.get("headers", {})}.items())
    text = wanted.get("text")
    if text is None:
        text = "" if wanted.get("json") is None else json.dumps(wanted["json"])
    return Answer(status, text.encode(), headers)


def sent(request: Request, server: Server) -> dict[str, Any]:
    version = importlib.metadata.version("bud-sdk-py") if installed() else bud_sdk.__version__

    def header(name: str, value: str) -> str:
        return f"{name}: {value.replace(server.address, '$host').replace(version, '$version')}"

    return {"line": request.line, "headers": [header(*each) for each in request.headers], "body": request.body}


def installed() -> bool:
    try:
        importlib.metadata.version("bud-sdk-py")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def plain(value: Any) -> Any:
    """As JSON, secrets included: here they are none."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if not hasattr(value, "to_json"):
        return value
    fields = json.loads(value.to_json())
    for name in type(value).__match_args__:
        held = getattr(value, name)
        if isinstance(held, Secret):
            fields[name] = held.expose()
        else:
            fields.setdefault(name, plain(held))
    return fields


def failed(error: BudError) -> dict[str, Any]:
    told = {name: value for name, value in vars(error).items() if name != "elapsed"}
    told["kind"] = told.pop("code")
    told["fields"] = [field._asdict() for field in error.fields]
    if error.retry_after is not None:
        told["retry_after"] = error.retry_after.total_seconds()
    return {name: value for name, value in told.items() if value is not None and value != []}


class Told(dict[str, Any]):
    """What a call gave."""

    def page(self, page: bud_sdk.Page[Any]) -> None:
        self.setdefault("pages", []).append({"items": plain(page), "cursor": page.cursor, "total": page.total})

    def update(self, update: Any) -> None:  # type: ignore[override]
        self.setdefault("updates", []).append(plain(update))


def sync_call(options: dict[str, Any], scenario: dict[str, Any], args: dict[str, Any], told: Told) -> None:
    with made(backend(scenario), "", **options) as bud:
        begun = begin(bud, scenario, args, told)
        if isinstance(begun, bud_sdk.List):
            for page in begun.pages():
                told.page(page)
        elif isinstance(begun, bud_sdk.Export):
            told["bytes"] = b"".join(begun).decode()
        else:
            told["result"] = plain(begun)


async def async_call(options: dict[str, Any], scenario: dict[str, Any], args: dict[str, Any], told: Told) -> None:
    async with made(backend(scenario), "Async", **options) as bud:
        begun = begin(bud, scenario, args, told)
        if isinstance(begun, bud_sdk.AsyncList):
            async for page in begun.pages():
                told.page(page)
        elif isinstance(begun, bud_sdk.AsyncExport):
            told["bytes"] = b"".join([chunk async for chunk in begun]).decode()
        else:
            told["result"] = plain(await begun)


def begin(bud: Any, scenario: dict[str, Any], args: dict[str, Any], told: Told) -> Any:
    """Calls it as people do."""
    operation: str = scenario["call"]
    options = scenario.get("options", {})
    resource, _, method = operation.partition(".")
    if operation == "audit.export_file":
        write = {name: args.pop(name) for name in ("path", "overwrite") if name in args}
        return bud.audit.export(**args).write_to(write.pop("path"), **write)
    if operation == "audit.export_records":
        return bud.audit.export(**args).records()
    target = bud if resource == BACKENDS[backend(scenario)]["own"] else getattr(bud, resource)
    if dict(_native.operations())[operation] == "job":
        options = {**options, "on_update": told.update}
    return getattr(target, method)(**args, **options)


def connection(scenario: dict[str, Any], server: Server, folder: Path) -> dict[str, Any]:
    """The options of a client of the server: what has no address of its own is told the server's in a kubeconfig."""
    about = BACKENDS[backend(scenario)]
    options = dict(scenario.get("client", {}))
    if about["address"]:
        options[about["address"]] = server.url
    else:
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "scenario",
            "clusters": [{"name": "scenario", "cluster": {"server": server.url}}],
            "users": [{"name": "scenario", "user": {"token": "scenario-token"}}],
            "contexts": [{"name": "scenario", "context": {"cluster": "scenario", "user": "scenario"}}],
        }
        options["kubeconfig"] = folder / "kubeconfig"
        options["kubeconfig"].write_text(json.dumps(kubeconfig))
    if about["takes_token"] and "password" not in options:
        options.setdefault("token", "scenario-token")
    return options


def script(scenario: dict[str, Any]) -> Script:
    """The answers in order, or each to its own request where those are made at the same time."""
    exchanges = scenario.get("exchanges", [])
    if not scenario.get("any_order"):
        return [answer(exchange["answer"]) for exchange in exchanges]
    answers = {exchange["request"]["line"]: answer(exchange["answer"]) for exchange in exchanges}
    return lambda request: answers.get(request.line, Answer(599))


def shown(scenario: dict[str, Any]) -> None:
    """For the coverage table."""
    on = backend(scenario)
    if on == "bud":
        on = scenario.get("client", {}).get("flavor")
    if on and (journal := os.environ.get("BUD_TESTBED_JOURNAL")):
        with open(journal, "a") as lines:
            lines.writelines(f"{on} CALL /{call} 200\n" for call in [scenario["call"], *scenario.get("also", [])])


def place(update: dict[str, Any]) -> tuple[str, str, str]:
    """Updates of what happens at the same time come in any order."""
    finding = update["finding"] or {"code": None, "subject": {"name": None}}
    return json.dumps(update["kind"]), json.dumps(finding["code"]), json.dumps(finding["subject"]["name"])


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario["name"] for scenario in SCENARIOS])
def test_scenario(scenario: dict[str, Any], way: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    exchanges = scenario.get("exchanges", [])
    told = Told()
    file = tmp_path / "file"
    with Server(script(scenario)) as server:
        client = connection(scenario, server, tmp_path)
        args = {name: file if value == "$file" else value for name, value in scenario.get("args", {}).items()}
        try:
            if way == "sync":
                sync_call(client, scenario, args, told)
            else:
                asyncio.run(async_call(client, scenario, args, told))
        except BudError as error:
            told["error"] = failed(error)
        requests = [sent(request, server) for request in server.requests]
    warnings = [record for record in caplog.records if record.name == "bud_sdk"]
    if warnings:
        told["warnings"] = [
            {"code": vars(record)["code"], "message": record.getMessage().removeprefix(f"{scenario['call']}: ")}
            for record in warnings
        ]
    if scenario.get("any_order"):
        requests.sort(key=lambda request: json.dumps(request["line"]))
        told.get("updates", []).sort(key=place)
    if file.exists():
        told["file"] = file.read_bytes().decode()
    if scenario["call"] in ("audit.export_records", "kubernetes.follow_logs") and "pages" in told:
        # How records and lines are parcelled is their own affair.
        items = [item for page in told["pages"] for item in page["items"]]
        told["pages"] = [{"items": items, "cursor": None, "total": None}]
    assert requests == [exchange["request"] for exchange in exchanges]
    for name in OUTCOMES:
        # Reports name the server that they are about.
        wanted = json.loads(json.dumps(scenario.get(name)).replace("$host", server.address))
        if name == "error" and wanted is not None:
            wanted.update(wanted.pop("spelled", {}).get("python", {}))
        assert told.get(name) == wanted, name
    if "error" not in told:
        shown(scenario)


def test_a_request_beyond_those_of_a_scenario_is_seen() -> None:
    with Server([Answer.of({"id": "u-1"})]) as server:
        bud = Client(server.url, token="scenario-token", flavor="guide", attempts=1)
        bud.users.get("u-1")
        with pytest.raises(BudError):
            bud.users.get("u-2")
        assert [request.line for request in server.requests] == ["GET /users/u-1", "GET /users/u-2"]


def test_everything_that_can_be_called_has_a_scenario() -> None:
    # What speaks over a websocket is shown on a real cluster.
    spoken = {"kubernetes.exec", "kubernetes.postgres", "kubernetes.gpu_readings"}
    called = {scenario["call"] for scenario in SCENARIOS}
    assert called == {operation for operation, _ in _native.operations()} - spoken
