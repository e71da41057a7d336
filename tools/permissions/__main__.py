"""`make permissions`: what is missing, and what is granted and used by nobody.

Worked out from the template, the definition and what Terraform deployed; what functions use is what
they asked the running local cloud for since it is up, so replay events/ first.
"""

from tools.deployed import Deployed
from tools.errors import run
from tools.permissions import judging
from tools.permissions.template import Template
from tools.stage import Stage


def main() -> int:
    """Print what is wrong; 1 when anything is. UserError when nothing is deployed."""
    stage = Stage("local")
    Deployed.find(stage)
    template = Template.load()
    lines = judging.report(template, judging.platform(stage), judging.decisions())
    print("\n".join(lines))
    return 1 if len(lines) > 1 else 0


if __name__ == "__main__":
    run(main)
