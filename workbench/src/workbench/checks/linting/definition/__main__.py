"""Check the rendered workflow definitions whose paths are the arguments."""

import sys

from workbench.checks.linting import LEFT_OUT
from workbench.checks.linting.definition import missing, validate
from workbench.stages.errors import run


def main() -> int:
    """Exit code of the validators; LEFT_OUT, with the reason, where they cannot run."""
    why_not = missing()
    if why_not:
        print(why_not)
        return LEFT_OUT
    return max([validate(path) for path in sys.argv[1:]], default=0)


if __name__ == "__main__":
    run(main)
