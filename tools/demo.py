"""Brings the whole system up on this machine and runs real orders through it: `make demo`."""

from tools import deploy
from tools.alone import alone
from tools.errors import run
from tools.local_cloud.up import up
from tools.replay import __main__ as replay


def main() -> int:
    """Start, deploy and replay, as one command that no other deployment comes between."""
    with alone("make demo"):
        up()
        return deploy.main() or replay.main(["--report"])


if __name__ == "__main__":
    run(main)
