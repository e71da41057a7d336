"""The functions in real containers: `python -m workbench.sam_local invoke|all|shell|image`."""

import argparse
import importlib
import os

from workbench.sam_local import engine, image
from workbench.stages.errors import UserError, run
from workbench.stages.stage import LOCAL

MODULES = {"invoke": "invoke", "all": "everything", "shell": "shell"}


def main() -> int:
    """Run the command that the arguments name."""
    arguments = _parser().parse_args()
    stage = os.environ.get("STAGE") or LOCAL
    if stage != LOCAL:
        raise UserError(
            f"containers here have the local cloud behind them, not stage {stage}; leave STAGE "
            "out, or call what is deployed with `sam remote invoke` (docs/sam_local.md)"
        )
    if arguments.command == "image":
        engine.check()
        image.provide()
        return 0
    # Loaded late: `image` runs without a local cloud, and without what the others need.
    command = importlib.import_module(f"workbench.sam_local.commands.{MODULES[arguments.command]}")
    code: int = command.main(arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workbench.sam_local", description=__doc__)
    commands, setting = parser.add_subparsers(dest="command", required=True), os.environ.get
    invoke = commands.add_parser("invoke", help="run one function with one event")
    invoke.add_argument("--fn", default=setting("FN"), help="the function (FN=…)")
    invoke.add_argument("--event", default=setting("EVENT"), help="a file, or a scenario (EVENT=…)")
    waits, debug = "wait for a debugger (debugpy) before it runs (DEBUG=1)", setting("DEBUG") == "1"
    invoke.add_argument("--debug", action="store_true", default=debug, help=waits)
    everything = commands.add_parser("all", help="run all fixtures, and print what came of each")
    everything.add_argument("--fn", default=setting("FN"), help="those of one function (FN=…)")
    shell = commands.add_parser("shell", help="open a shell in which plain `sam local` works")
    shell.add_argument("--cmd", default=setting("CMD"), help="run this in it instead (CMD=…)")
    commands.add_parser("image", help="get AWS's image, or build a stand-in")
    return parser


if __name__ == "__main__":
    run(main)
