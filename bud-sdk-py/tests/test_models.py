"""Models: what they hold, and how they are shown, compared, copied and kept."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from bud_sdk import RawAnswer, Secret, Table
from bud_sdk import _native as native
from bud_sdk.credentials import IssuedKey
from bud_sdk.endpoints import Endpoint
from bud_sdk.quotas import Quota
from bud_sdk.users import CreatedUser, User

USER = json.dumps(
    {
        "id": "u-1",
        "email": "a@example.com",
        "role": "ADMIN",
        "status": "on_leave",
        "created_at": "2026-01-31T23:59:59.123456789+01:00",
        "shoe_size": {"left": 42},
    }
)


def test_attributes_have_pythons_types() -> None:
    user = User.from_json(USER)
    assert (user.id, user.email, user.first_name) == ("u-1", "a@example.com", None)
    assert user.created_at == datetime(2026, 1, 31, 22, 59, 59, 123456, tzinfo=timezone.utc)
    assert user.created_at.tzinfo is timezone.utc
    quota = Quota.from_json('{"project_id":"p","cost_used":"10.00","tokens_used":18446744073709551615}')
    assert quota.cost_used == Decimal("10.00")
    assert str(quota.cost_used) == "10.00"
    assert quota.tokens_used == 18446744073709551615


def test_unknown_values_and_fields_are_kept() -> None:
    user = User.from_json(USER)
    assert user.status == "on_leave"
    assert user.extra == {"shoe_size": {"left": 42}}
    assert json.loads(user.to_json())["role"] == "ADMIN"
    assert user.to_dict()["shoe_size"] == {"left": 42}
    assert user.to_dict()["created_at"] == user.created_at


def test_a_time_beyond_datetime_is_an_error_where_it_is_read() -> None:
    user = User.from_json('{"id":"u-1","created_at":"-000001-01-01T00:00:00Z"}')
    with pytest.raises(OverflowError, match="beyond what datetime can hold"):
        _ = user.created_at
    assert "-000001" in user.to_json()


def test_models_are_values() -> None:
    one, two = User.from_json(USER), User.from_json(USER)
    other = User.from_json('{"id":"u-2"}')
    assert one == two
    assert hash(one) == hash(two)
    assert one != other
    assert one != "u-1"
    assert len({one, two, other}) == 2
    for again in (pickle.loads(pickle.dumps(one)), copy.copy(one), copy.deepcopy(one), copy.deepcopy([one])[0]):
        assert again == one
        assert again.extra == one.extra


def test_models_are_frozen() -> None:
    user = User.from_json(USER)
    with pytest.raises(AttributeError):
        user.email = "b@example.com"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        user.nickname = "b"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        User()


def test_models_match() -> None:
    match User.from_json(USER):
        case User(id=name, role="ADMIN"):
            assert name == "u-1"
        case _:
            pytest.fail("it is an administrator")


def test_repr_shows_what_is_set_and_of_the_unknown_the_names() -> None:
    shown = repr(User.from_json(USER))
    assert shown.startswith("User(id='u-1', email='a@example.com', role='ADMIN'")
    assert shown.endswith("extra={shoe_size})")
    assert "first_name" not in shown
    answer = RawAnswer.from_json('{"status":200,"request_id":null,"body":{"key":"canary"}}')
    assert repr(answer) == "RawAnswer(status=200, body=<dict>)"


def test_notebooks_see_tables() -> None:
    user = User.from_json('{"id":"u-1","name":"<script>alert(1)</script>"}')
    html = user._repr_html_()
    assert "<th style='text-align:left'>id</th><td>u-1</td>" in html
    assert "<script>" not in html
    table = Table([user, User.from_json('{"id":"u-2","email":"b@example.com"}')])
    html = table._repr_html_()
    assert "<thead><tr><th>id</th><th>name</th><th>email</th></tr></thead>" in html
    assert html.count("<tr>") == 3
    assert "<caption>2 items</caption>" in html
    assert "(900 more)" in Table([user] * 1000)._repr_html_()
    assert "<td>3</td>" in Table([{"steps": 3}])._repr_html_()
    assert table.to_dicts()[1]["email"] == "b@example.com"


def test_models_in_models() -> None:
    endpoint = Endpoint.from_json('{"id":"e-1","resources":{"gpus":2}}')
    assert endpoint.resources is not None
    assert endpoint.to_dict()["resources"] == endpoint.resources.to_dict()
    assert pickle.loads(pickle.dumps(endpoint)).resources == endpoint.resources


def test_every_model_is_public_and_documented() -> None:
    models = {model for model in vars(native).values() if hasattr(model, "__match_args__")}
    assert len(models) > 100
    for model in models:
        place = importlib.import_module(model.__module__)
        assert getattr(place, model.__name__) is model
        assert model.__name__ in place.__all__
        assert model.__doc__
        assert model.__match_args__
        for field in model.__match_args__:
            assert getattr(model, field).__doc__, f"{model.__name__}.{field}"


def test_secrets_of_models_are_reached_once_and_shown_never() -> None:
    made = CreatedUser.from_json('{"user":{"id":"u-1"},"one_time_password":"canary-1"}')
    key = IssuedKey.from_json('{"credential":{"id":"k-1"},"key":"canary-1"}')
    assert isinstance(made.one_time_password, Secret)
    assert made.one_time_password.expose() == "canary-1"
    assert key.key == Secret("canary-1")
    for model in (made, key):
        kept = [repr(model), str(model), model.to_json(), repr(model.to_dict()), model._repr_html_()]
        kept += [repr(pickle.dumps(model)), repr(copy.deepcopy(model)), f"{model}"]
        assert not [text for text in kept if "canary" in text]
        assert not hasattr(model, "__dict__")
    assert pickle.loads(pickle.dumps(made)).one_time_password is None
    assert copy.deepcopy(made).one_time_password == made.one_time_password
