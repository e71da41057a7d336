"""samconfig.toml, and the variables of the Makefile."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from workbench.checks.checking.finding import Finding, near
from workbench.deployment import outline
from workbench.deployment.packaging import samconfig
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT, Stage

SAMCONFIG, MAKEFILE = "samconfig.toml", "Makefile"
# Of SAM's commands and their options those that deployments use: https://docs.aws.amazon.com/
# serverless-application-model/latest/developerguide/serverless-sam-cli-config.html
COMMANDS = {
    "global", "build", "deploy", "delete", "list", "local_invoke", "local_start_api", "logs",
    "package", "sync", "validate",
}  # fmt: skip
OPTIONS = {
    "cached", "capabilities", "confirm_changeset", "debug", "disable_rollback",
    "fail_on_empty_changeset", "force_upload", "image_repository", "kms_key_id",
    "language_extensions", "lint", "metadata", "no_progressbar", "notification_arns", "on_failure",
    "parallel", "parameter_overrides", "profile", "region", "resolve_s3", "role_arn", "s3_bucket",
    "s3_prefix", "signing_profiles", "stack_name", "tags", "template_file", "use_container",
}  # fmt: skip
TABLE = re.compile(r"^\[(\w+)\.(\w+)\.parameters\]")
USED = re.compile(r"\$\(([A-Z_]+)\)")
SET = re.compile(r"^(?:export |unexport )?([A-Z_.]+)\s*[?:]?=\s*(.*)$", re.MULTILINE)
MODULE = re.compile(r"-m ((?:workbench|operations)[\w.]*)")


def reads() -> list[str]:
    """Return what is read: the two files, and the template for its parameters."""
    return [SAMCONFIG, MAKEFILE, outline.TEMPLATE.name, "operations/*.py"]


def find() -> Iterator[Finding]:
    """Return what SAM would not take or ignore, and what make would fill in with nothing."""
    yield from _samconfig()
    if (ROOT / MAKEFILE).is_file():
        yield from _makefile((ROOT / MAKEFILE).read_text(encoding="utf-8"))


def _samconfig() -> Iterator[Finding]:
    path = ROOT / SAMCONFIG
    if not path.is_file():
        yield Finding(SAMCONFIG, 0, "it is not there; say in it what SAM needs for each stage")
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        whole = tomllib.loads(text)
    except ValueError as error:
        line = re.search(r"line (\d+)", str(error))
        yield Finding(SAMCONFIG, int(line[1]) if line else 1, f"is not valid TOML: {error}")
        return
    yield from _tables(text)
    for environment in [name for name, table in whole.items() if isinstance(table, dict)]:
        name = "local" if environment == "default" else environment
        try:
            overridden = samconfig.commands(Stage(name)).get("deploy", {})
        except UserError as error:
            said = str(error).removeprefix(f"{SAMCONFIG}, ")
            yield Finding(SAMCONFIG, _line(text, said), said)
            continue
        yield from _parameters(text, overridden.get("parameter_overrides", {}))


def _tables(text: str) -> Iterator[Finding]:
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("["):
            table = TABLE.match(line)
            inside = table[2] if table else ""
            if not table:
                what = f"{line} is not [<stage>.<command>.parameters]; SAM would ignore it"
                yield Finding(SAMCONFIG, number, what)
            elif table[2] not in COMMANDS:
                what = f"SAM has no command {table[2]}{near(table[2], COMMANDS)}"
                yield Finding(SAMCONFIG, number, what)
        elif inside and (option := re.match(r"(\w+)\s*=", line)) and option[1] not in OPTIONS:
            what = f"SAM has no option {option[1]}, and would ignore it{near(option[1], OPTIONS)}"
            yield Finding(SAMCONFIG, number, what)


def _parameters(text: str, overridden: dict[str, Any]) -> Iterator[Finding]:
    known = outline.fields(outline.fields(outline.whole()).get("Parameters"))
    for name in overridden:
        if name not in known:
            what = f"the template has no parameter {name}{near(name, known)}"
            yield Finding(SAMCONFIG, _line(text, name), what)


def _line(text: str, said: str) -> int:
    """Return the line of the key that is named; else that with most of the words."""
    words = re.findall(r"\w{3,}", said)
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if (key := re.match(r"(\w+)\s*=", line)) and key[1] in words:
            return number
    best = max(lines, key=lambda line: sum(word in line for word in words), default="")
    return lines.index(best) + 1 if best else 1


def _makefile(text: str) -> Iterator[Finding]:
    values = dict(SET.findall(text))
    spoken = set(re.findall(r"\b([A-Z_]{2,})\b", "\n".join(re.findall(r"##(.*)", text))))
    known = {*values, *spoken}
    for number, line in enumerate(text.splitlines(), 1):
        for name in USED.findall(line):
            if name not in known:
                what = f"$({name}) has no value, and no help line names it{near(name, known)}"
                yield Finding(MAKEFILE, number, what)
        for module in MODULE.findall(line):
            if not _is_module(module):
                yield Finding(MAKEFILE, number, f"there is no module {module}{_nearest(module)}")
        if line.startswith("STAGE") and (value := values.get("STAGE")):
            try:
                Stage(value.strip())
            except UserError as error:
                yield Finding(MAKEFILE, number, str(error))


def _is_module(name: str) -> bool:
    path = name.replace(".", "/")
    return any((top / f"{path}{end}").exists() for top in (ROOT / "workbench" / "src", ROOT)
               for end in (".py", "/__main__.py"))  # fmt: skip


def _nearest(name: str) -> str:
    known = {
        ".".join(path.relative_to(top).with_suffix("").parts).removesuffix(".__main__")
        for top in (ROOT / "workbench" / "src", ROOT)
        for folder in (top / name.partition(".")[0],)
        for path in folder.rglob("*.py")
    }
    return near(name, known)
