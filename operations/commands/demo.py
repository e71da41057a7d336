"""Brings the whole system up on this machine and runs real orders through it: `make demo`."""

from workbench.checks import check
from workbench.deployment import deploy
from workbench.local_cloud.up import up
from workbench.replay import __main__ as replay
from workbench.stages.alone import alone
from workbench.stages.errors import run


def main() -> int:
    """Start, deploy and replay, as one command that no other deployment comes between."""
    with alone("make demo"):
        check.before_deployment()  # before anything is started
        up()
        return deploy.main() or replay.main(["--report"])


if __name__ == "__main__":
    run(main)
