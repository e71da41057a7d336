"""Checkov on the translated template; what it finds is reported at its place in the template.

The resources that a loop makes, and what the translator makes of a resource, stand in the
translated form only.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.deployment import source_template
from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT

CHECKOV = [
    str(ROOT / ".venv" / "checkov" / "bin" / "checkov"),
    *("--quiet", "--compact", "--skip-download"),  # it would ask its vendor for guidelines
]


def findings(report: Any, lines: dict[str, int]) -> Iterator[str]:
    """Return what a report in checkov's JSON says, a line for each failed check."""
    for part in report if isinstance(report, list) else [report]:
        for found in part.get("results", {}).get("failed_checks", []):
            name = found["resource"].rpartition(".")[2]
            yield (
                f"{source_template.TEMPLATE.name}:{_line(name, lines)}: {found['check_id']} "
                f"{name}: {found['check_name']}"
            )
        for file in part.get("results", {}).get("parsing_errors", []):
            yield f"error: checkov cannot read {Path(file).name}"


def _line(name: str, lines: dict[str, int]) -> int:
    """Return the line of a resource, or of the one that the translator made it of."""
    made_of = [each for each in lines if name.startswith(each)]
    return lines[max(made_of, key=len)] if made_of else 1


def main() -> int:
    """Report what checkov finds in the file named; 1 when it finds something."""
    done = subprocess.run(
        [*CHECKOV, "--framework", "cloudformation", "--output", "json", "-f", sys.argv[1]],
        # The translated template lies in a hidden folder.
        env=os.environ | {"CKV_IGNORE_HIDDEN_DIRECTORIES": "false"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise UserError(f"checkov said nothing that reads: {done.stdout}{done.stderr}") from None
    found = list(findings(report, source_template.lines()))
    print("\n".join(found))
    return 1 if found or done.returncode else 0


if __name__ == "__main__":
    run(main)
