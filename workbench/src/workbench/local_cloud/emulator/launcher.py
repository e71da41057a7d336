"""Runs MiniStack with this project's patches, in the local cloud's own environment.

`python -m workbench.local_cloud.emulator.launcher` is started by `make up` and takes
MiniStack's settings from its environment. `--without NAME` leaves a patch out
(`all` leaves all out): to see what it does.
"""

import argparse
import os
import sys


def main() -> None:
    """Apply the patches and serve until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--without", action="append", default=[], metavar="PATCH")
    without = parser.parse_args().without
    # MiniStack reads its settings while it is imported, so nothing of it may come in before.
    from workbench.local_cloud.emulator import patches

    os.environ.pop("PYTHONPATH", None)  # functions' workers import nothing of this checkout
    try:
        patches.apply(without)
    except RuntimeError as error:
        sys.exit(f"error: {error}")
    from workbench.local_cloud.emulator.patches.targets import module

    sys.argv = ["ministack"]
    module("app").main()


if __name__ == "__main__":
    main()
