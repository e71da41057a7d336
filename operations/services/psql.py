"""`make psql`: a PostgreSQL shell with the functions' role, on any stage."""

import os
import shutil
import subprocess
import sys

from operations.database import database_ca
from operations.services import database, postgres
from workbench.stages.errors import UserError, run
from workbench.stages.stage import Stage


def main() -> int:
    """Open psql on the stage's database; what follows the command goes to it. Its exit code.

    The password is read from the secret and handed over in the environment: it is never an
    argument, which any user of the machine could read. Raises UserError without a database.
    """
    stage = Stage.from_environment()
    found = database.secret(stage)
    program = _program(stage, f"{found['host']}:{found['port']}, database {found['dbname']}")
    environment = os.environ | {
        "PGHOST": str(found["host"]),
        "PGPORT": str(found["port"]),
        "PGDATABASE": str(found["dbname"]),
        "PGUSER": str(found["username"]),
        "PGPASSWORD": str(found["password"]),
        "PGSSLMODE": "disable" if stage.is_local else "verify-full",
    }
    if not stage.is_local:
        environment["PGSSLROOTCERT"] = str(database_ca.file())
    return subprocess.run([program, "--no-psqlrc", *sys.argv[1:]], env=environment).returncode


def _program(stage: Stage, where: str) -> str:
    if stage.is_local:
        return postgres.program("psql")
    found = shutil.which("psql")
    if not found:
        raise UserError(
            f"psql is not found; install PostgreSQL's client. It would connect to {where}, as "
            f"the role and with the password in the secret {stage.prefix}/database"
        )
    return found


if __name__ == "__main__":
    run(main)
