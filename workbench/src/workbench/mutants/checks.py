"""Which checks of `make lint` and `make test` can see a flaw, the cheapest first."""

import re
from dataclasses import dataclass
from pathlib import Path

from workbench.mutants.flaws import Flaw

LONGEST = 300  # characters of what a check said
PYTEST = ("pytest", "-x", "-q", "--tb=short", "-rfE", "--no-header", "-p", "no:cacheprovider")
FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - (.*))?$", re.MULTILINE)
PLAYED = ("replay", "permissions", "rotation")
PLATFORM = "tests/infrastructure/test_terraform.py"
# A check that broke on a flaw has not said what is wrong.
CRASH = re.compile(r"(?:Key|Index|Type|Attribute|UnboundLocal|Lookup)Error\b|StopIteration\b")
REASON = re.compile(r"^E +(?! *\+ +where)(\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """A part of `make lint` or of `make test`, and the arguments with which Python runs it."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Catch:
    """Which check saw a flaw, and what it said."""

    check: str
    said: str

    @property
    def tells(self) -> bool:
        """Whether it says what is wrong, and did not just break on it."""
        return bool(self.said) and not CRASH.match(self.said)


def _lint(name: str) -> Check:
    return Check(f"lint: {name}", ("-m", "workbench.checks.lint", name))


def _tests(*paths: str) -> Check:
    return Check(" ".join(paths), ("-m", *PYTEST, *paths))


# A flaw may leave nothing for an operator to find; that is no check's merit.
UNIT = _tests("tests/unit", "--ignore=tests/unit/tools/mutants")
# A local cloud of the copy's own, with the flaw deployed. The dearest: a minute until it is up.
SYSTEM = Check(
    "the whole system",
    (
        "-m",
        "workbench.checks.run_tests",
        "-x",
        *(f"tests/local_cloud/test_{name}.py" for name in PLAYED),
    ),
)
DEPLOYED = (_lint("workflow definition"), _lint("cfn-lint translated template"))
TEMPLATE = (
    _tests("tests/contract"),
    _lint("cfn-lint template"),
    *DEPLOYED,
    _lint("checkov translated template"),
    _lint("checkov template"),
    UNIT,
    SYSTEM,
)
OF_KIND = {
    "terraform": (
        _lint("terraform validate"),
        _tests("tests/contract"),
        _tests(*(f"{PLATFORM}::test_own_tests[{file}.tftest.hcl]" for file in ("keys", "stages"))),
        _lint("checkov terraform"),
        _tests(PLATFORM),
    ),
    "definition": (
        _lint("workflow data"),
        _lint("workflow definition"),
        _tests("tests/contract"),
        _tests("tests/workflow"),
        _lint("cfn-lint translated template"),
    ),
    "template": TEMPLATE,
    "pattern": TEMPLATE,
    "policy": TEMPLATE,
    "profile": (
        _tests(*(f"tests/unit/domain/test_{name}.py" for name in ("partners", "lines", "pricing"))),
        UNIT,
        _tests("tests/contract"),
    ),
    "code": (UNIT, _lint("mypy"), _tests("tests/contract"), SYSTEM),
}


def of(flaw: Flaw, root: Path) -> list[Check]:
    """The checks that can see a flaw, the cheapest first."""
    module = Path(flaw.file).stem
    own: list[Path] = []
    if flaw.kind == "code":
        own = sorted((root / "tests" / "unit").rglob(f"test_{module}.py"))
    return [*(_tests(str(path.relative_to(root))) for path in own), *OF_KIND[flaw.kind]]


def read(check: Check, output: str) -> Catch:
    """What a failed check said: the test and its reason, or a linter's first line."""
    if failed := FAILED.search(output):
        reasons = " ".join(REASON.findall(output)) or failed[2] or ""
        return Catch(failed[1], " ".join(reasons.split())[:LONGEST])
    lines = [line.strip() for line in output.splitlines() if not line.startswith("---")]
    errors = [line for line in lines if line.startswith(("error:", "Check: "))]
    return Catch(check.name, next((line for line in errors or lines if line), "")[:LONGEST])
