"""Packages the functions: `make build`."""

from workbench.deployment.deploy import step
from workbench.deployment.packaging import sam
from workbench.stages.errors import run
from workbench.stages.stage import Stage


def main() -> int:
    """Build for the stage that STAGE names."""
    stage = Stage.from_environment()
    sam.check_sources(stage)
    with step("package (sam build)"):
        sam.build(stage)
    return 0


if __name__ == "__main__":
    run(main)
