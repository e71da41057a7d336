"""`python -m workbench.sam_local invoke|all|shell|image`: the functions in real containers."""

import importlib
import os
import sys

from workbench.sam_local import engine, image
from workbench.stages.errors import UserError, run
from workbench.stages.stage import LOCAL

COMMANDS = {"invoke": "invoke", "all": "everything", "shell": "shell"}


def main() -> int:
    """Run the command that the first argument names."""
    stage = os.environ.get("STAGE") or LOCAL
    if stage != LOCAL:
        raise UserError(
            f"containers here have the local cloud behind them, not stage {stage}; leave STAGE "
            "out, or call what is deployed with `sam remote invoke` (docs/sam_local.md)"
        )
    named = sys.argv[1] if len(sys.argv) > 1 else ""
    if named == "image":
        engine.check()
        image.provide()
        return 0
    if named not in COMMANDS:
        raise UserError(f"say one of: {', '.join([*COMMANDS, 'image'])}")
    # Loaded late: `image` runs without a local cloud, and without what the others need.
    command = importlib.import_module(f"workbench.sam_local.{COMMANDS[named]}")
    code: int = command.main()
    return code


if __name__ == "__main__":
    run(main)
