"""MigrateDatabase: what is missing is applied, and only where there is a database."""

import pytest

from order_intake.adapters import database_migrations
from order_intake.domain.errors import InvalidInput
from order_intake.handlers import migrate_database
from tests.unit.handlers.conftest import context


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the secrets with which the database was migrated; it lacked two migrations."""
    arns: list[str] = []

    def migrate(arn: str) -> list[str]:
        arns.append(arn)
        return ["0001_a", "0002_b"]

    monkeypatch.setattr(database_migrations, "migrate", migrate)
    monkeypatch.setenv("DATABASE_OWNER_SECRET_ARN", "arn:owner")
    return arns


def test_it_names_what_it_applied(asked: list[str]) -> None:
    assert migrate_database.handler({}, context()) == {"applied": ["0001_a", "0002_b"]}
    assert asked == ["arn:owner"]


def test_a_stage_without_a_database_has_nothing_to_migrate(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_SECRET_ARN", "none")

    assert migrate_database.handler({}, context()) == {"applied": []}
    assert asked == []


def test_nothing_can_be_asked_for(asked: list[str]) -> None:
    with pytest.raises(InvalidInput, match="only"):
        migrate_database.handler({"only": "0001_a"}, context())
    assert asked == []


def test_the_migrations_are_numbered_from_one_on() -> None:
    numbers = [name.partition("_")[0] for name in database_migrations.names()]

    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
