"""Exceptions: their classes, attributes and causes."""

from __future__ import annotations

import copy
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import bud_sdk
import pytest
from bud_sdk import Client, errors
from conftest import Bed
from server import Answer, Server


def client(server: Server, **options: Any) -> Client:
    return Client(server.url, token="t", flavor="guide", attempts=1, **options)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, errors.UnexpectedRedirect),
        (400, errors.BadRequest),
        (401, errors.AuthRejected),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (418, errors.ApiError),
        (422, errors.ValidationError),
        (429, errors.RateLimited),
        (500, errors.ServerError),
        (503, errors.ServerError),
    ],
)
def test_each_status_has_its_class(status: int, kind: type[errors.BudError]) -> None:
    answer = Answer.of({"message": "so it is"}, status)
    answer.headers += [("x-request-id", "r-1"), ("retry-after", "7")]
    with Server(lambda _: answer) as server:
        with pytest.raises(kind) as caught:
            client(server).users.get("u-1")
        error = caught.value
        assert type(error) is kind
        assert (error.status, error.operation, error.attempts) == (status, "users.get", 1)
        assert error.request_id == "r-1"
        assert error.elapsed is not None
        assert error.elapsed > timedelta(0)
        assert isinstance(error, errors.BudError)
        assert "users.get failed: GET /users/{id}" in str(error)
        if status == 429:
            assert error.retry_after == timedelta(seconds=7)
            assert error.code == "rate_limited"


def test_a_wrong_password_and_an_ended_session_have_classes_of_their_own(bed: Bed) -> None:
    with Server(lambda _: Answer.of({"detail": "Incorrect email or password"}, 401)) as server:
        with pytest.raises(errors.InvalidCredentials) as wrong:
            Client(server.url, email="a@example.com", password="p", flavor="guide", attempts=1).users.get("u-1")
        assert isinstance(wrong.value, errors.AuthenticationError)
    with bed.client() as bud:
        bud.auth.login()
        bud.auth.logout()
        with pytest.raises(errors.SessionExpired) as ended:
            bud.users.list().all()
        assert isinstance(ended.value, errors.AuthenticationError)
        assert ended.value.hint == "call auth.login() to open a new session"


def test_refused_fields() -> None:
    detail = [{"loc": ["body", "email"], "msg": "no address", "type": "value_error"}]
    with Server(lambda _: Answer.of({"detail": detail}, 422)) as server:
        with pytest.raises(errors.ValidationError) as caught:
            client(server).users.create(email="a@example.com", first_name="A", last_name="B", role="user")
        assert caught.value.fields == (errors.FieldError("body.email", "no address", "value_error"),)
        assert caught.value.maybe_applied is False


def test_what_never_reached_a_server() -> None:
    bud = Client("http://127.0.0.1:9", token="t", flavor="guide", attempts=1)
    with pytest.raises(errors.ConnectError) as caught:
        bud.users.get("u-1")
    error = caught.value
    assert isinstance(error, errors.TransportError)
    assert isinstance(error, ConnectionError)
    assert error.status is None


def test_what_lay_beneath_is_the_cause(bud: Client, tmp_path: Path) -> None:
    with pytest.raises(errors.DownloadError) as caught:
        bud.audit.export(start="2026-01-01T00:00:00Z", end="2026-02-01T00:00:00Z").write_to(tmp_path / ("x" * 300))
    cause = caught.value.__cause__
    assert isinstance(cause, errors.Cause)
    assert "name too long" in str(cause)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again.__cause__) == str(cause)


def test_an_answer_of_another_shape_names_the_place() -> None:
    with Server(lambda _: Answer.of({"id": ["u-1"]})) as server:
        with pytest.raises(errors.DecodeError) as caught:
            client(server).users.get("u-1")
        assert caught.value.path is not None
        assert "id" in caught.value.path


def test_broken_off_changes_say_so() -> None:
    with Server(lambda _: Answer(close=True)) as server:
        with pytest.raises(errors.Interrupted) as caught:
            client(server).projects.create("p")
        assert caught.value.maybe_applied is True


def test_errors_say_whether_the_same_call_is_safe_to_repeat() -> None:
    with Server(lambda _: Answer.of({"message": "busy"}, 503)) as server:
        with pytest.raises(errors.ServerError) as read:
            client(server).users.get("u-1")
        with pytest.raises(errors.ServerError) as created:
            client(server).projects.create(name="p")
    assert read.value.is_retryable is True
    assert (created.value.maybe_applied, created.value.is_retryable) == (True, False)
    answer = Answer.of({"message": "no"}, 403)
    with Server(lambda _: answer) as server, pytest.raises(errors.PermissionDenied) as refused:
        client(server).users.get("u-1")
    assert (refused.value.is_retryable, refused.value.required_permission) == (False, None)


def test_errors_can_be_kept() -> None:
    with Server(lambda _: Answer.of({"message": "no"}, 404)) as server, pytest.raises(errors.NotFound) as caught:
        client(server).users.get("u-1")
    with pytest.raises(errors.ConnectError) as refused:
        Client("http://127.0.0.1:9", token="t", flavor="guide", attempts=1).users.get("u-1")
    kept: list[errors.BudError] = [caught.value, refused.value]
    kept.append(errors.RateLimited("slow", retry_after=timedelta(seconds=3)))
    for error in kept:
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert type(again) is type(error)
            assert str(again) == str(error)
            assert vars(again) == vars(error)
            assert str(again.__cause__) == str(error.__cause__)


def test_errors_are_what_python_has_for_them() -> None:
    with pytest.raises(ValueError, match="an id has only letters"):
        Client("http://127.0.0.1:9", token="t").users.get("../admin")
    assert issubclass(errors.CallTimeout, TimeoutError)
    assert issubclass(errors.WaitTimeout, TimeoutError)
    assert issubclass(errors.NotFound, LookupError)
    assert issubclass(errors.PermissionDenied, PermissionError)


def test_every_error_is_public_and_has_a_code_of_its_own() -> None:
    def below(kind: type[errors.BudError]) -> set[type[errors.BudError]]:
        return {kind}.union(*(below(each) for each in kind.__subclasses__()))

    kinds = below(errors.BudError)
    assert {kind.__name__ for kind in kinds} <= set(errors.__all__)
    assert all(getattr(bud_sdk, kind.__name__) is kind and kind.__doc__ for kind in kinds)
    codes = [vars(kind)["code"] for kind in kinds if "code" in vars(kind)]
    assert len(codes) == len(set(codes))
