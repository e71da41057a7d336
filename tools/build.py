"""Packages the functions: `make build`."""

from tools import sam
from tools.deploy import step
from tools.errors import run
from tools.stage import Stage


def main() -> int:
    """Build for the stage that STAGE names."""
    stage = Stage.from_environment()
    sam.check_sources(stage)
    with step("package (sam build)"):
        sam.build(stage)
    return 0


if __name__ == "__main__":
    run(main)
