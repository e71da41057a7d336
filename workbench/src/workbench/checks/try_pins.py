"""Tries newer versions of MiniStack, SAM and cfn-lint: `make try-pins`.

In a copy of this checkout with environments of its own, below .venv/ and gone afterwards. It names
each of the local cloud's patches that is obsolete (its tests pass without it) or broken (they fail
with it, or it cannot be applied), and each check that a newer SAM or cfn-lint does not pass.
"""

import ast
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.local_cloud.emulator import keys, ministack
from workbench.machine import setup
from workbench.mutants.copies import sources
from workbench.stages.errors import UserError, run
from workbench.stages.stage import ROOT

ENVIRONMENTS = {"ministack": "cloud", "aws-sam-cli": "sam", "cfn-lint": "dev"}
PATCHES = "workbench/src/workbench/local_cloud/emulator/patches/__init__.py"
PATCH_TESTS = "tests/local_cloud"
PYTHON = ".venv/dev/bin/python"
PYTEST = [PYTHON, "-m", "pytest", "-q", "-rA", "--tb=no", "--no-header", "-p", "no:cacheprovider"]
LINT = [PYTHON, "-m", "workbench.checks.lint"]
# What a newer version of each could break, and what shows it.
CONCERNED = {
    "aws-sam-cli": {
        "build": [".venv/sam/bin/sam", "build"],
        "lint": [*LINT, "sam validate", "cfn-lint translated template"],
        "tests": [
            *PYTEST,
            "tests/unit/workbench/deployment/test_sam.py",
            "tests/unit/workbench/deployment/test_samconfig.py",
        ],
    },
    "cfn-lint": {
        "lint": [*LINT, "cfn-lint template", "cfn-lint translated template"],
        "tests": [
            *PYTEST,
            "tests/unit/workbench/deployment/test_source_template.py",
            "tests/unit/workbench/checks/linting",
        ],
    },
}
_APPLY = """
import json
from workbench.local_cloud.emulator.patches import PATCHES
faults = {}
for name, patch in PATCHES.items():
    try:
        patch()
    except Exception as error:
        faults[name] = f"{type(error).__name__}: {error}".splitlines()[0]
print(json.dumps([list(PATCHES), faults]))
"""
_OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Tried:
    """What a patch is worth: why it cannot be applied, what fails with it, what without it."""

    name: str
    fault: str
    failed: Sequence[str]
    passes_without: bool

    @property
    def line(self) -> str:
        """What is to be said of it; empty when it is needed and works."""
        if self.passes_without:
            return f"obsolete  {self.name}: its tests pass without it"
        if self.fault:
            return f"broken    {self.name}: cannot be applied: {self.fault}"
        if self.failed:
            return f"broken    {self.name}: fails with it: {', '.join(self.failed)}"
        return ""


def outcomes(said: str) -> dict[str, str]:
    """Each test's outcome, read from what `pytest -rA` says; a skipped test has none."""
    return {test: outcome for outcome, test in _OUTCOME.findall(said)}


def failed(said: str) -> list[str]:
    """The tests that did not pass."""
    return [test for test, outcome in outcomes(said).items() if outcome != "PASSED"]


def passes(said: str) -> bool:
    """Whether tests ran, and all of them passed."""
    return bool(outcomes(said)) and not failed(said)


def tests_of_patches(root: Path) -> dict[str, list[str]]:
    """The tests that the mark `patch` ties to each patch, as pytest names them."""
    found: dict[str, list[str]] = {}
    for file in sorted((root / PATCH_TESTS).rglob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.patch":
                    name = ast.literal_eval(mark.keywords[0].value)
                    test = f"{file.relative_to(root)}::{node.name}"
                    found.setdefault(name, []).append(test)
    return found


def pinned(package: str) -> str:
    """The version of a package that pyproject.toml pins."""
    found = re.search(rf'"{package}==([^"]+)"', (ROOT / "pyproject.toml").read_text())
    if not found:
        raise UserError(f"pyproject.toml does not pin {package}; write: {package}==…")
    return found[1]


def newest(package: str) -> str:
    """The newest version of a package that its registry has."""
    options = ["--quiet", "--no-deps", "--no-header", "--no-annotate", "--python-version"]
    said = _uv("compile", *options, setup.VERSION, "-", stdin=package)
    return said.strip().partition("==")[2]


def _uv(*arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        [setup.VENVS / "uv" / "bin" / "uv", "pip", *arguments],
        cwd=ROOT, env=setup.environment_of_uv(), input=stdin, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise UserError(f"uv pip {arguments[0]} failed:\n{done.stderr.strip()}")
    return done.stdout


class Copy:
    """A copy of this checkout, in whose environments newer versions are."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in sources():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
        python = str(setup.VENVS / "dev" / "bin" / "python")
        if (done := self.run([python, "-m", "workbench.machine.setup"])).returncode:
            raise UserError(f"the copy has no environments: {done.stderr.strip()}")

    def run(self, command: Sequence[str], **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the copy, with nothing of the caller's stage."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "WORKBENCH_"))}
        environment = kept | {"STAGE": "local", "PYTHONPATH": "workbench/src"} | more
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )

    def install(self, package: str, version: str) -> None:
        """Put a version in place of the one that is pinned, with what it needs."""
        python = self.root / ".venv" / ENVIRONMENTS[package] / "bin" / "python"
        _uv("install", "--quiet", "--python", str(python), f"{package}=={version}")
        if package == "ministack":
            path = self.root / PATCHES
            path.write_text(re.sub("(?m)^PINNED = .*", f'PINNED = "{version}"', path.read_text()))

    def apply(self) -> tuple[list[str], dict[str, str]]:
        """The names of all patches, and why some of them cannot be applied."""
        key_file = self.root / keys.FILE
        keys.make(key_file)
        settings = {name: str(value) for name, value in ministack.settings(1, key_file).items()}
        done = self.run([".venv/cloud/bin/python", "-c", _APPLY], **settings)
        if done.returncode:
            raise UserError(f"the patches do not even import:\n{done.stderr.strip()}")
        names, faults = json.loads(done.stdout.splitlines()[-1])
        return names, faults

    def test(self, tests: Iterable[str], without: Iterable[str]) -> str:
        """What pytest says of the tests when these patches are left out."""
        return self.run([*PYTEST, *tests], PATCHES_LEFT_OUT=",".join(without)).stdout

    def try_patches(self) -> Iterator[Tried]:
        """Try each patch with its tests: with all others, and without itself."""
        names, faults = self.apply()
        tests = tests_of_patches(self.root)

        def tried(name: str) -> Tried:
            fault, without = faults.get(name, ""), self.test(tests[name], {*faults, name})
            again = [] if fault else self._failing(tests[name], first, faults)
            return Tried(name, fault, again, passes(without))

        first = self.test([one for name in names for one in tests[name]], faults)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            yield from pool.map(tried, names)

    def _failing(self, tests: list[str], first: str, faults: Iterable[str]) -> list[str]:
        """Those of a patch's tests that failed, and fail again by themselves: some have a clock."""
        again = [one for one in failed(first) if one.partition("[")[0] in tests]
        return failed(self.test(again, faults)) if again else []


def concerned(copy: Copy, package: str) -> Iterator[str]:
    """What a newer SAM or cfn-lint does not pass, a line each."""
    for what, command in CONCERNED[package].items():
        done = copy.run(command)
        if done.returncode:
            said = failed(done.stdout) or (done.stdout + done.stderr).strip().splitlines()[-3:]
            yield f"broken    {package}: {what}: {'; '.join(said)}"


def try_out(copy: Copy, package: str) -> Iterator[str]:
    """What there is to say of a newer version, a line each."""
    if package != "ministack":
        yield from concerned(copy, package)
        return
    for tried in copy.try_patches():
        if tried.line:
            yield tried.line


def main() -> int:
    """Try what has a newer version; 1 when something is obsolete or broken under it."""
    setup.main()
    newer = {}
    for package in ENVIRONMENTS:
        now, new = pinned(package), newest(package)
        print(f"{package}: {now} is pinned, {new if new != now else 'and it'} is the newest")
        if new != now:
            newer[package] = new
    if not newer:
        return 0
    code = 0
    with tempfile.TemporaryDirectory(prefix="try-", dir=setup.VENVS) as folder:
        copy = Copy(Path(folder))
        for package, version in newer.items():
            time = " (with and without each patch: ten minutes)" if package == "ministack" else ""
            print(f"trying {package} {version}{time} …", flush=True)
            copy.install(package, version)
            found = 0
            for line in try_out(copy, package):
                print(line, flush=True)
                found += 1
            print(f"{package} {version}: {f'{found} to look at' if found else 'all is well'}")
            code |= bool(found)
    return code


if __name__ == "__main__":
    run(main)
