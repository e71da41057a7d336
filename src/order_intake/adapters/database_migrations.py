"""The orders database's tables, brought to what this code needs by numbered migrations.

`migrations/NNNN_name.sql` are applied in the order of their numbers, each in one transaction, by
the owner of the tables; the database itself notes which ones it has. A migration leaves what the
version before needs, because its calls and executions are still under way while it is applied.
"""

from pathlib import Path

from order_intake import logs
from order_intake.adapters import database
from order_intake.domain.errors import PermanentError

FOLDER = Path(__file__).parents[1] / "migrations"
# The table's rows are rewritten, or an index is built over them; the function has 900 s.
LONGEST = "840s"

_LOCK = "SELECT pg_advisory_lock(hashtextextended('order_intake migrations', 0))"
_NOTES = """
    CREATE TABLE IF NOT EXISTS schema_migration (
        name text PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


class DatabaseNewer(PermanentError):
    """The database has a migration that this code does not know: newer code was deployed."""


def names() -> list[str]:
    """Give the names of all migrations, in order."""
    return sorted(path.stem for path in FOLDER.glob("[0-9]*.sql"))


def migrate(secret_arn: str) -> list[str]:
    """Apply the migrations that the database does not have yet, and give their names.

    Who calls at the same time waits. Raises DatabaseNewer, and what `database.connection` raises.
    """
    with database.connection(secret_arn) as connected:
        connected.autocommit = True
        connected.execute(f"SET statement_timeout = '{LONGEST}'")
        connected.execute(_LOCK)  # until the session ends
        connected.execute(_NOTES)
        rows = connected.execute("SELECT name FROM schema_migration ORDER BY name").fetchall()
        missing = _missing(names(), [str(name) for (name,) in rows])
        for name in missing:
            with connected.transaction():
                connected.execute((FOLDER / f"{name}.sql").read_bytes())
                connected.execute("INSERT INTO schema_migration (name) VALUES (%s)", [name])
            logs.logger.info("migrated", migration=name)
    return missing


def _missing(known: list[str], applied: list[str]) -> list[str]:
    unknown = [name for name in applied if name not in known[: len(applied)]]
    if unknown:
        raise DatabaseNewer(
            f"the database has the migration {unknown[-1]}, this code ends with {known[-1]}: "
            "deploy the code that brought it, or newer code"
        )
    return known[len(applied) :]
