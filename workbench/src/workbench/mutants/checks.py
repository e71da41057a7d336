"""Which checks of `make lint` and `make test` can see a flaw, the cheapest first."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.application.interface import application
from workbench.mutants.flaws import Flaw

LONGEST = 300  # characters of what a check said
PYTEST = (
    *("pytest", "-x", "-q", "--tb=short", "-rfE", "--no-header", "-p", "no:cacheprovider"),
    *("-p", "no:hypothesispytest"),  # it loads Hypothesis, where no test needs it, too
)
FAILED = re.compile(r"^(?:FAILED|ERROR) ((?:tests|workbench)/.+?)(?: - (.*))?$", re.MULTILINE)
TESTS = ("tests/", "workbench/")  # how the path of a test begins
SYSTEM = "system"  # in `first_tests`: no kind of flaw, but what tests a deployed stage
# A check that broke on a flaw has not said what is wrong.
CRASH = re.compile(r"(?:Key|Index|Type|Attribute|UnboundLocal|Lookup)Error\b|StopIteration\b")
REASON = re.compile(r"^E +(?! *\+ +where)(\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """A part of `make lint` or of `make test`, and the arguments with which Python runs it."""

    name: str
    arguments: tuple[str, ...]

    def only(self, catch: "Catch") -> "Check":
        """Return the check of nothing but the test that saw a flaw; this one if it has no tests.

        With all its parameters: the flaw may have given them other names.
        """
        test = catch.check.partition("[")[0]
        if catch.check == self.name or not test.startswith(TESTS):
            return self
        others = (*TESTS, "--deselect=", "--ignore=")
        kept = (word for word in self.arguments if not word.startswith(others))
        return Check(test, (*kept, test))


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


def _tests(*paths: str, without: Iterable[str] = ()) -> Check:
    left_out = (f"--deselect={path}" for path in without)
    return Check(" ".join(paths), ("-m", *PYTEST, *paths, *left_out))


# A flaw may leave nothing for an operator to find; that is no check's merit.
UNIT = Check("tests/unit", ("-m", *PYTEST, "tests/unit", "--ignore=tests/unit/workbench/mutants"))
CONTRACT, WORKFLOW, PLATFORM = (
    "tests/contract",
    "tests/workflow",
    "tests/infrastructure/test_terraform.py",
)


def _system() -> Check:
    """A local cloud of the copy's own, with the flaw deployed. The dearest: a minute to begin."""
    tests = application().first_tests.get(SYSTEM, ("tests/local_cloud",))
    return Check("the whole system", ("-m", "workbench.checks.run_tests", "-x", *tests))


def _usual(kind: str, done: Sequence[str]) -> tuple[Check, ...]:
    """The checks that can see a flaw of a kind, after the tests that are `done` by then."""
    contract = _tests(CONTRACT, without=_in("/contract/", done))  # its own and the workbench's
    match kind:
        case "terraform":
            platform = _tests(PLATFORM, without=_in(PLATFORM, done))
            return (_lint("checkov terraform"), contract, platform)
        case "definition":
            return (_tests(WORKFLOW), contract, _lint("cfn-lint translated template"))
        case "code":
            return (UNIT, _lint("mypy"), contract, _system())
        case "template" | "pattern" | "policy":
            return (
                _lint("cfn-lint template"),
                _lint("workflow definition"),
                _lint("cfn-lint translated template"),
                contract,
                _lint("checkov translated template"),
                _lint("checkov template"),
                UNIT,
                _system(),
            )
    return (UNIT, contract)


# Linters that see a flaw of a kind sooner than any test.
LINTERS = {
    "terraform": (_lint("terraform validate"),),
    "definition": (_lint("workflow data"), _lint("workflow definition")),
}


def first_tests(flaw: Flaw, root: Path) -> list[Check]:
    """The tests that see a flaw of its kind soonest: of its own module, or as the application says.

    Each text there is a check of its own, of one or more paths.
    """
    if flaw.kind == "code":
        own = sorted((root / "tests" / "unit").rglob(f"test_{Path(flaw.file).stem}.py"))
        return [_tests(str(path.relative_to(root))) for path in own]
    return [_tests(*group.split()) for group in application().first_tests.get(flaw.kind, ())]


def of(flaw: Flaw, root: Path) -> list[Check]:
    """The checks that can see a flaw, the cheapest first; those whose tests are there."""
    first = first_tests(flaw, root)
    done = [path for check in first for path in check.name.split()]
    return [
        *LINTERS.get(flaw.kind, ()),
        *(check for check in (*first, *_usual(flaw.kind, done)) if _is_there(check, root)),
    ]


def _in(folder: str, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if folder in path]


def _is_there(check: Check, root: Path) -> bool:
    """Whether an application has the tests of a check; a linter needs none."""
    paths = [word.partition("::")[0] for word in check.arguments if word.startswith(TESTS)]
    return all((root / path).exists() for path in paths)


def read(check: Check, output: str) -> Catch:
    """What a failed check said: the test and its reason, or a linter's first line."""
    if failed := FAILED.search(output):
        reasons = " ".join(REASON.findall(output)) or failed[2] or ""
        return Catch(failed[1], " ".join(reasons.split())[:LONGEST])
    lines = [line.strip() for line in output.splitlines() if not line.startswith("---")]
    errors = [line for line in lines if line.startswith(("error:", "Check: "))]
    return Catch(check.name, next((line for line in errors or lines if line), "")[:LONGEST])
