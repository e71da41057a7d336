"""The last step of a deployment says in one line why the database is not migrated."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from operations.database.migrate import migrate
from workbench.stages.errors import UserError


def stage(answer: Any, *, failed: bool = False) -> Any:
    """A stage whose function MigrateDatabase gives this answer."""
    given: dict[str, Any] = {"Payload": io.BytesIO(json.dumps(answer).encode())}
    given |= {"FunctionError": "Unhandled"} if failed else {}

    def invoke(**asked: Any) -> dict[str, Any]:
        assert asked == {"FunctionName": "order-intake-dev-MigrateDatabase", "Payload": b"{}"}
        return given

    client = SimpleNamespace(invoke=invoke, meta=SimpleNamespace(endpoint_url="http://x"))
    return SimpleNamespace(
        prefix="order-intake-dev",
        client=lambda service: client,
        session=lambda: SimpleNamespace(client=lambda service, **options: client),
    )


def test_what_was_applied_is_named() -> None:
    assert migrate(stage({"applied": ["0001_a"]})) == ["0001_a"]


def test_a_newer_database_is_one_line() -> None:
    answer = {"errorType": "DatabaseNewer", "errorMessage": "it has 0009_x"}

    with pytest.raises(
        UserError, match=r"^the database is not migrated: DatabaseNewer: it has .*x$"
    ):
        migrate(stage(answer, failed=True))


def test_a_database_without_its_roles_leads_to_the_administrator() -> None:
    answer = {"errorType": "DatabaseRefused", "errorMessage": "the database refuses"}

    with pytest.raises(UserError, match=r"bootstrap\.sql .* order-intake-dev/database-owner"):
        migrate(stage(answer, failed=True))
