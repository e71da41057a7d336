"""The partners' profiles, checked by the code that reads them when a file comes: for `make lint`.

A line for each thing that is wrong: the file, the key, what it says, what to write.
"""

import sys

from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT
from workbench.stages.visible import say

sys.path.insert(0, str(ROOT / "src"))

from order_intake.domain.partners import problems_of_all


def check() -> None:
    """Return when all profiles can be deployed; UserError with the first problem otherwise."""
    problems = problems_of_all()
    if problems:
        more = f" (and {len(problems) - 1} more: make lint)" if len(problems) > 1 else ""
        raise UserError(f"{problems[0]}{more}")


def main() -> int:
    """Print every problem; 1 when there are any."""
    problems = problems_of_all()
    say(*problems)
    return 1 if problems else 0


if __name__ == "__main__":
    run(main)
