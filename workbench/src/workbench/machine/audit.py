"""Looks for known vulnerabilities in the locked packages: `make audit`.

Python's packages are looked up by pip-audit in PyPI's own data, npm's by npm. A mirror of PyPI may
not have that data: then nothing is audited, and the command says so and fails.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from workbench.machine import setup
from workbench.machine.lock import FILES
from workbench.machine.setup import ROOT, VENVS
from workbench.stages.errors import UserError, run

PACKAGE = "workbench/src/workbench"
NPM = (f"{PACKAGE}/checks/linting/definition", f"{PACKAGE}/testing/accessibility")


def findings(report: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What pip-audit found, and the packages that it could not look up."""
    found, skipped = [], []
    for package in report["dependencies"]:
        name = f"{package['name']} {package.get('version', '')}".strip()
        if "skip_reason" in package:
            skipped.append(package["name"])
        for one in package.get("vulns", []):
            fixed = ", ".join(one["fix_versions"]) or "no version yet"
            found.append(f"{name}: {one['id']}, put right in {fixed}")
    return found, skipped


def audit_python(file: Path) -> tuple[list[str], list[str]]:
    """What is known of a locked file's packages. UserError when pip-audit gives no report."""
    program = str(VENVS / "audit" / "bin" / "pip-audit")
    command = [program, "--disable-pip", "--require-hashes", "--progress-spinner=off"]
    done = subprocess.run(
        [*command, "--format=json", "-r", str(file)], capture_output=True, text=True
    )
    try:
        return findings(json.loads(done.stdout))
    except (ValueError, LookupError):
        end = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise UserError(f"{file.relative_to(ROOT)} was not audited: {end}") from None


def audit_npm(folder: Path) -> tuple[list[str], list[str]]:
    """What npm knows of the packages that a folder locks."""
    if not shutil.which("npm"):
        return [], ["npm is not found"]
    command = ["npm", "audit", "--package-lock-only", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
        vulnerable = report["vulnerabilities"]
    except (ValueError, LookupError):
        return [], ["npm has no data here"]
    return [f"{name}: {one['severity']}" for name, one in vulnerable.items()], []


def main() -> int:
    """Audit every locked file; 1 when something is known, or could not be looked up."""
    setup.main()
    setup.provide("audit")
    code = 0
    for name in sorted({*FILES.values(), *NPM}):
        audit = audit_npm if name in NPM else audit_python
        found, skipped = audit(ROOT / name)
        for line in found:
            print(f"{name}: {line}")
        if skipped:
            some = ", ".join(skipped[:3]) + (" and others" if len(skipped) > 3 else "")
            print(f"{name}: {len(skipped)} not audited, since there is no data here: {some}")
        if not (found or skipped):
            print(f"{name}: nothing is known")
        code |= bool(found or skipped)
    return code


if __name__ == "__main__":
    run(main)
