"""What can be made to go wrong with the local stage's services, and put right again.

The rates API and the webhook (`outside.py`), and the database. Nothing of this reaches another
stage. What goes wrong with AWS itself is `workbench.local_cloud.emulator.faults`.
"""

import contextlib
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from psycopg import sql

from operations.services import database, outside_process, postgres
from workbench.local_cloud.emulator.faults import ask, start_service_again, stop_service
from workbench.stages.stage import Stage, local_keys


def set_outside(**apis: dict[str, Any]) -> None:
    """Let `rates` and `webhook` fail as their fields say; `{}` lets one work again."""
    _ask("/control", apis)


def set_rates_day(last: date | None) -> None:
    """Let the rates API have rates up to this day and no further; None: up to today."""
    _ask("/day", {"last": last.isoformat() if last else None})


def outside_left() -> dict[str, int]:
    """How many calls of the rates API and of the webhook are still to fail."""
    answer = _ask("/control")
    return {name: trouble["fail_next"] for name, trouble in answer.items()}


def webhook_received() -> list[Any]:
    """What the partners' webhook took, oldest first."""
    answer: list[Any] = _ask("/received")
    return answer


def stop_database() -> None:
    """Stop the local database: sessions end, connections are refused."""
    stop_service(postgres.NAME)


def start_database() -> None:
    """Start the local database again, with all it holds; nothing to do when it runs."""
    start_service_again(postgres.NAME)


def rotate_password(stage: Stage, password: str) -> None:
    """Give the functions' user another password, in the database and in the secret."""
    wanted = database.secret(stage) | {"password": password}
    with postgres.connect_as_owner(postgres.port()) as server:
        database.set_password(server, wanted)
    stage.client("secretsmanager").put_secret_value(
        SecretId=f"{stage.prefix}/database", SecretString=json.dumps(wanted)
    )


@contextlib.contextmanager
def locked_table() -> Iterator[None]:
    """Let nobody write order lines, so that a load stops in the middle of its transaction."""
    with (
        postgres.connect_as_owner(postgres.port(), postgres.DATABASE) as server,
        server.transaction(),
    ):
        server.execute(sql.SQL("LOCK TABLE order_line IN ACCESS EXCLUSIVE MODE"))
        yield


def _ask(path: str, content: Any = None) -> Any:
    return ask(outside_process.base() + path, local_keys(), content)
