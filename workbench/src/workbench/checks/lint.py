"""All linters and type checks, side by side, with one summary: `make lint`.

The template and the workflow's definition are checked as they stand and in the form in which they
are deployed (`linting/deployed_form.py`). An exemption stands beside what it exempts.
"""

import concurrent.futures
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.application.interface import application
from workbench.checks import only
from workbench.checks.linting import LEFT_OUT, deployed_form, sources
from workbench.checks.linting.checkov import CHECKOV
from workbench.deployment import source_template
from workbench.local_cloud import state
from workbench.stages.errors import UserError, run
from workbench.stages.stage import LOCAL_REGION, ROOT

BIN = ROOT / ".venv" / "dev" / "bin"
CFN_LINT = [str(BIN / "cfn-lint"), "--include-checks", "I", "--"]
PYTHON = [sys.executable, "-m"]
# Instead of these, an argument is the template's file as it stands, that of its deployed form, the
# deployed forms of all definitions, or all files with that ending.
SOURCE, TEMPLATE, DEFINITION = "<source>", "<template>", "<definition>"
YAML, MARKDOWN = "<.yaml>", "<.md>"
TERRAFORM_TEST = "terraform test"
CONTRACT = "workbench/src/workbench/testing/contract"  # what holds for every service
# The longest come first: side by side, all are done sooner.
CHECKS: dict[str, list[str]] = {
    # With a local cloud of its own, and what is handed over held against the template.
    TERRAFORM_TEST: [
        *(*PYTHON, "pytest", "-q", "--tb=short", f"{CONTRACT}/test_handover.py"),
        "tests/infrastructure/test_terraform.py::test_own_tests",
    ],
    "mypy": [str(BIN / "mypy"), "--no-error-summary"],
    "checkov terraform": [*CHECKOV, "-d", "terraform"],
    # Its loops would stop checkov's reading of all resources; those stand in the translated form.
    "checkov template": [*CHECKOV, "--framework", "secrets", "-f", SOURCE],
    "checkov translated template": [*PYTHON, "workbench.checks.linting.checkov", TEMPLATE],
    "cfn-lint translated template": [*CFN_LINT, TEMPLATE],
    "cfn-lint template": [*CFN_LINT, SOURCE],
    "sam validate": [
        *(str(ROOT / ".venv" / "sam" / "bin" / "sam"), "validate", "--lint"),
        *("--template", SOURCE, "--region", LOCAL_REGION),
    ],
    "workflow definition": [*PYTHON, "workbench.checks.linting.definition", DEFINITION],
    "workflow data": [*PYTHON, "workbench.checks.linting.data_flow", DEFINITION],
    "terraform fmt": ["terraform", "fmt", "-check", "-diff", "-recursive", "terraform"],
    "terraform validate": [*PYTHON, "workbench.deployment.terraform", "validate"],
    "bandit src": [str(BIN / "bandit"), "-q", "-r", "src"],
    "bandit workbench": [
        *(str(BIN / "bandit"), "-q", "-c", "pyproject.toml", "-r", "workbench/src", "operations"),
    ],
    "imports": [str(BIN / "lint-imports"), "--no-cache", "pyproject.toml"],
    "ruff": [str(BIN / "ruff"), "check", "--quiet", "."],
    "ruff format": [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
    "yamllint": [str(BIN / "yamllint"), "--strict", YAML],
    "pymarkdown": [str(BIN / "pymarkdown"), "scan", MARKDOWN],
    "pictures": [*PYTHON, "workbench.page.pictures", "--check"],
    "markdown links": [*PYTHON, "workbench.checks.linting.markdown_links", MARKDOWN],
    "shellcheck": [str(BIN / "shellcheck"), ".ci/run"],
    "workflow schema": [
        *(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows"),
        ".github/workflows/ci.yaml",
    ],
    "zizmor": [str(BIN / "zizmor"), "--quiet", "--offline", ".github/workflows"],
}


@dataclass(frozen=True)
class Verdict:
    """What one check said, how it ended, and how long it took, in seconds."""

    name: str
    code: int
    output: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether it found nothing. A check that was left out has found nothing, either."""
        return self.code in (0, LEFT_OUT)

    @property
    def line(self) -> str:
        """The summary's line."""
        if self.code == LEFT_OUT:
            return f"left out  {self.name}: {self.output.strip()}"
        state = "passed" if self.passed else "FAILED"
        return f"{state:8}  {self.name} ({self.seconds:.0f} s)"


def checks() -> dict[str, list[str]]:
    """Return the command of each check, the application's own linters among them."""
    return CHECKS | {name: [*PYTHON, module] for name, module in application().lints.items()}


def arguments(name: str) -> list[str]:
    """The command of a check; UserError when what it checks cannot be made."""
    command: list[str] = []
    for word in checks()[name]:
        match word:
            case "<source>":
                source_template.load()  # says more plainly than the linters why there is none
                command.append(source_template.TEMPLATE.name)
            case "<template>":
                command.append(str(deployed_form.prepare()[0]))
            case "<definition>":
                command += map(str, deployed_form.prepare()[1])
            case "<.yaml>" | "<.md>":
                command += sources(word.strip("<>"))
            case _:
                command.append(word)
    return command


def check(name: str) -> Verdict:
    """Run the check of this name. It may reach no AWS account."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environment |= {"SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true", "STAGE": "local"}
    environment["PYTHONPATH"] = "src"  # the application, for what asks who imports whom
    begun = time.monotonic()
    try:
        return _verdict(name, environment, begun)
    except UserError as error:
        return Verdict(name, 1, f"error: {error}\n", time.monotonic() - begun)
    except FileNotFoundError as error:
        program = Path(error.filename).name
        missing = f"error: {program} is not installed; run: make doctor setup\n"
        return Verdict(name, 1, missing, time.monotonic() - begun)


def _verdict(name: str, environment: dict[str, str], begun: float) -> Verdict:
    with state.scratch() as folder:
        # Linters read back what they find there. Terraform's provider listens on a socket there,
        # whose path may have 107 bytes only.
        if not name.startswith("terraform"):
            environment = environment | {"TMPDIR": str(folder)}
        done = subprocess.run(
            arguments(name),
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Verdict(name, done.returncode, done.stdout, time.monotonic() - begun)


def summarize(verdicts: Iterable[Verdict]) -> int:
    """Print what was found, then a line for each check; 1 when any of them found something.

    What several checks say alike, such as that there is no template to check, is said once.
    """
    verdicts, found = list(verdicts), defaultdict[str, list[str]](list)
    for verdict in verdicts:
        if not verdict.passed:
            found[verdict.output].append(verdict.name)
    for output, names in found.items():
        print(f"--- {', '.join(names)}\n{output}")
    for verdict in verdicts:
        print(verdict.line)
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def main(names: Sequence[str] = ()) -> int:
    """Run all checks, or those of these names; 1 when any of them finds something."""
    names = names or sys.argv[1:] or only.named()
    only.check(names, checks())
    workers = (os.cpu_count() or 1) + 1  # Terraform's tests wait most of their time
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return summarize(pool.map(check, names or checks()))


if __name__ == "__main__":
    run(main)
