"""A cold function imports what it needs, and no more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from order_intake import handlers

MODULES = sorted(p.stem for p in Path(handlers.__file__).parent.glob("[!_]*.py"))
SOURCE = str(Path(handlers.__file__).parents[2])


@pytest.mark.parametrize("module", MODULES)
def test_only_what_always_needs_it_brings_the_database_driver(module: str) -> None:
    program = f"import sys, order_intake.handlers.{module}; print('psycopg' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": SOURCE, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    needs_it = module in ("load_orders", "migrate_database", "rotate_database_secret")
    assert done.stdout.strip() == str(needs_it)
    assert not done.stderr
