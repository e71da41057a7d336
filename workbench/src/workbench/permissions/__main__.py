"""`make permissions`: what is missing, what is granted and used by nobody, what reaches too far.

Worked out from the template, the definition and Terraform's plan; and what functions ask for by
themselves is held against what the running local cloud has recorded since it is up, so replay
events/ first. RECORD=yes adds to tests/recorded_actions.txt what is new.
"""

import os

from workbench.permissions import asked
from workbench.permissions.evaluation import evaluate
from workbench.permissions.platform import Platform
from workbench.permissions.template import Template
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError, run
from workbench.stages.stage import Stage


def main() -> int:
    """Print what is wrong; 1 when anything is. UserError when nothing is deployed."""
    Deployed.find(Stage("local"))
    answer = asked.decisions()
    recorded = asked.recorded(answer)
    if os.environ.get("RECORD") == "yes":
        asked.keep((asked.kept() if asked.FILE.exists() else set()) | recorded)
    elif os.environ.get("RECORD"):
        raise UserError("RECORD may be yes, or left out")
    template = Template.load()
    needed = asked.needs(asked.kept(), template.handlers)
    verdict = evaluate(template, Platform.planned(), needed)
    wrong = [*verdict.lines, *asked.refused(answer), *asked.unknown(recorded)]
    for line in (*wrong, *asked.unseen(recorded)):
        print(line)
    print(
        f"permissions: {verdict.needed} needed, {verdict.granted} granted; "
        f"{len(verdict.missing)} missing, {len(verdict.idle)} unused, {len(verdict.wide)} too wide"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    run(main)
