"""The functions' code: syntax, names, imports, arguments, libraries that are packaged."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.checks.checking.finding import Finding, near
from workbench.deployment import outline
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT

BIN = ROOT / ".venv" / "dev" / "bin"
# Of ruff's rules, those that say that code cannot run; how it is written is `make lint`'s.
BROKEN = "E9,F5,F63,F7,F82,PLE"
# Of mypy's, those that say nothing about what happens, but what is not annotated.
UNTYPED = {
    "annotation-unchecked", "explicit-override", "import-untyped", "misc", "no-any-return",
    "no-any-unimported", "no-untyped-call", "no-untyped-def", "note", "redundant-cast", "type-arg",
    "unused-ignore", "untyped-decorator", "var-annotated",
}  # fmt: skip
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html: with Lambda's own boto3.
OF_THE_RUNTIME = {"boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "urllib3"}
_REQUIRED = re.compile(r"^([A-Za-z0-9][\w.-]*)", re.MULTILINE)


def reads() -> list[str]:
    """Return what is read: all code that is deployed."""
    folders = [path.relative_to(ROOT) for path in folders_of_code()]
    return [f"{folder}/*{ending}" for folder in folders for ending in (".py", ".txt")]


def find() -> Iterator[Finding]:
    """Return what would stop a function at its start, and what breaks it later."""
    folders = [path for path in folders_of_code() if any(path.rglob("*.py"))]
    if not folders:
        return
    broken = list(_ruff(folders))
    yield from broken
    missing = [one for folder in folders for one in _libraries(folder)]
    yield from missing
    if not missing and not any("invalid-syntax" in one.what for one in broken):
        yield from _mypy(folders)  # what it says of the rest would only follow


def folders_of_code() -> list[Path]:
    """Return the folders that are deployed; the usual one where the template does not say it."""
    try:
        return [path for path in outline.sources() if path.is_dir()]
    except UserError:
        return [path for path in [ROOT / "src"] if path.is_dir()]


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _ruff(folders: list[Path]) -> Iterator[Finding]:
    done = subprocess.run(
        [
            str(BIN / "ruff"), "check", "--quiet", "--output-format=json", "--no-cache",
            f"--select={BROKEN}", *map(str, folders),
        ],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    for each in _read(done.stdout):
        code = each.get("code") or "invalid-syntax"
        said = each["message"].removeprefix("SyntaxError: ")
        yield Finding(_shown(Path(each["filename"])), each["location"]["row"], f"{said} ({code})")


def _mypy(folders: list[Path]) -> Iterator[Finding]:
    environment = os.environ | {"MYPYPATH": ":".join(map(str, folders))}
    done = subprocess.run(
        [str(BIN / "mypy"), "--output=json", "--no-error-summary", *map(str, folders)],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode not in (0, 1) and not done.stdout.startswith("{"):
        raise UserError(f"mypy failed: {done.stdout or done.stderr}")
    for line in done.stdout.splitlines():
        each = json.loads(line)
        if each["severity"] == "error" and each["code"] not in UNTYPED:
            yield Finding(each["file"], each["line"], f"{each['message']} ({each['code']})")


def _read(text: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(text)
    except ValueError:
        raise UserError(f"ruff said nothing that reads: {text}") from None
    return found


def _libraries(folder: Path) -> Iterator[Finding]:
    """Return the imports of what is not in the package: it is there on the laptop at most."""
    requirements = folder / "requirements.txt"
    text = requirements.read_text(encoding="utf-8") if requirements.is_file() else ""
    packaged = {_plain(name) for name in _REQUIRED.findall(text)} | OF_THE_RUNTIME
    own = {path.stem for path in folder.iterdir()}
    installed = importlib.metadata.packages_distributions()
    given = {top for top, names in installed.items() if packaged & {_plain(n) for n in names}}
    known = own | given | set(sys.stdlib_module_names)
    for path in sorted(folder.rglob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            continue
        for line, module in _imported(tree):
            top = module.partition(".")[0]
            if top in known:
                continue
            write = "add it to the functions' libraries in pyproject.toml, and run: make lock"
            meant = near(top, known)
            what = f"the package of the functions has no {top}{meant}"
            yield Finding(_shown(path), line, what if meant else f"{what}; {write}")


def _imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return (line, module) of the imports that happen, not those under TYPE_CHECKING or a try."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Try():
                continue
            case ast.Import():
                yield from ((node.lineno, each.name) for each in node.names)
            case ast.ImportFrom(level=0, module=str(module)):
                yield node.lineno, module
        waiting += ast.iter_child_nodes(node)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
