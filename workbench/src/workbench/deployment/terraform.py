"""Runs Terraform for a stage: finds its provider, keeps a state a stage, says briefly what it does.

As a command, for $STAGE: `python -m workbench.deployment.terraform`, and one of `fmt`, `init`,
`migrate`, `validate`, `plan`, `apply`, `destroy`, `output`. `apply` asks
only about what is lost, `destroy` not at all: the commands deploy and destroy ask before they call.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from workbench.deployment.plans import adopt, changes
from workbench.deployment.plans.changes import Change
from workbench.deployment.provider_mirror import TERRAFORM, find_mirror
from workbench.stages import backend, child, place
from workbench.stages.errors import UserError, run
from workbench.stages.stage import PROJECT, Stage, local_dir

_ACTIONS = {"create": "+", "update": "~", "delete": "-", "replace": "±"}
# What services answer when something is made twice: AlreadyExistsException, QueueNameExists …
_EXISTS = re.compile(r"Exists(?:Exception)?\b")
_ON_LINE = re.compile(r"on (\S+\.\w+) line (\d+)")  # how Terraform says where it is
_SHOWN = re.compile(r"on \S+ line \d+|\d+: |├|│")
_DONE = {"create": "created", "update": "changed", "delete": "deleted"}


def environment_of(stage: Stage) -> dict[str, str]:
    """The environment that Terraform runs in for `stage`, with its data beside its state."""
    environment = stage.environment() | {
        "TF_DATA_DIR": str(stage.state_dir / "data"),
        "TF_IN_AUTOMATION": "1",
    }
    return _without_missing_config(environment)


def _without_missing_config(environment: dict[str, str]) -> dict[str, str]:
    # Terraform warns at every call about a configuration file that is named but is not there.
    config = environment.get("TF_CLI_CONFIG_FILE")
    if config and not Path(config).exists():
        del environment["TF_CLI_CONFIG_FILE"]
    return environment


def program() -> str:
    """Where Terraform is; UserError when it is not there."""
    found = shutil.which("terraform")
    if not found:
        raise UserError(
            "terraform is not found; install version 1.11 or later: "
            "https://developer.hashicorp.com/terraform/install"
        )
    return found


def _command(*arguments: str, folder: Path = TERRAFORM) -> list[str]:
    return [program(), f"-chdir={folder}", *arguments]


def variable_arguments(stage: Stage) -> list[str]:
    """The arguments that hand Terraform the stage's name and the settings in terraform/stages/.

    `local` and `prod` have a file each; every other stage has the one for development stages and,
    read after it, its own where there is one.
    """
    files = [backend.STAGES / f"{name}.tfvars" for name in backend.names(stage)]
    return [
        f"-var=project={PROJECT}",
        f"-var=stage={stage.name}",
        *(f"-var-file=stages/{file.name}" for file in files if file.exists()),
    ]


def check_sources() -> None:
    """Raise UserError when there is no platform to deploy, or its provider is not locked."""
    for name, what in {
        "versions.tf": "say there which provider the platform needs, and its backend",
        ".terraform.lock.hcl": "let Terraform write it: terraform -chdir=terraform init",
    }.items():
        if not (TERRAFORM / name).is_file():
            raise UserError(f"there is no {TERRAFORM.name}/{name}; {what}")


def initialise(stage: Stage, move_state: bool = False) -> None:
    """Make `stage` ready: provider and backend. Quick when nothing has changed since.

    With `move_state`, what the backend of the last time holds is moved to today's.
    Raises UserError with Terraform's own words when provider or backend cannot be had.
    """
    check_sources()
    environment = environment_of(stage)
    mirror = find_mirror(environment)
    arguments = [
        "init", "-input=false", "-no-color", "-lockfile=readonly",
        *(["-migrate-state", "-force-copy"] if move_state else ["-reconfigure"]),
        *backend.of(stage).arguments,
        *([f"-plugin-dir={mirror}"] if mirror else []),
    ]  # fmt: skip
    files = [TERRAFORM / name for name in ("versions.tf", ".terraform.lock.hcl")]
    files += [backend.source(stage)] if backend.of(stage).is_remote else []
    versions = [file.read_bytes() for file in files]
    wanted = hashlib.sha256(b"".join([*versions, repr(arguments).encode()])).hexdigest()
    mark = stage.state_dir / "data" / "initialised.sha256"
    if mark.exists() and mark.read_text() == wanted:
        return
    stage.state_dir.mkdir(parents=True, exist_ok=True)
    command = _command(*arguments, folder=backend.module(stage))
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"terraform init failed: {_first_error(done.stderr)}")
    mark.write_text(wanted)


def _first_error(text: str) -> str:
    """Return the first error that Terraform prints, in one line: file and line, then its words."""
    lines = [line.strip(" │╷╵") for line in text.splitlines()]
    starts = [i for i, line in enumerate(lines) if line.startswith("Error: ")] or [0]
    blocks = [lines[i:end][:12] for i, end in zip(starts, [*starts[1:], None], strict=True)]
    # `init` says first that there are errors, then each of them.
    said = next((one for one in blocks if any(map(_ON_LINE.match, one))), blocks[0])
    place = next((found for line in said if (found := _ON_LINE.match(line))), None)
    # Without the line that is shown, and what is drawn below it.
    words = [line for line in said if line and not (place and _SHOWN.match(line))]
    where = f"{TERRAFORM.name}/{place[1]}:{place[2]}: " if place else ""
    return f"{where}{' '.join(words).removeprefix('Error: ')}" if words else "it said nothing"


def apply(stage: Stage) -> None:
    """Bring the stage's platform to what terraform/ says, when what is lost by it is confirmed.

    Raises UserError when that fails.
    """
    _forget_lost_cloud(stage)
    initialise(stage)
    try:
        _plan_and_apply(stage)
    except UserError as error:
        if not _EXISTS.search(str(error)):
            raise
        # Where an answer is lost, the provider asks again, and meets what its first request made.
        print("  something to create is there already; planning once more", flush=True)
        _plan_and_apply(stage)


def _plan_and_apply(stage: Stage) -> None:
    folder = backend.module(stage)
    planned = _planned(stage, folder)
    if found := adopt.existing(stage, planned):
        _restore(stage, found)
        folder = backend.module(stage, {"imports.tf": adopt.as_blocks(found)})
        planned = _planned(stage, folder)
    print(f"  planned: {changes.summary(planned)}", flush=True)
    changes.confirm(stage, planned)
    try:
        if planned:
            _change(stage, folder, "apply", str(_plan_file(stage)))
    finally:
        _plan_file(stage).unlink(missing_ok=True)


def _restore(stage: Stage, found: dict[Change, str]) -> None:
    """Say what is there already, restore what waits for its deletion, and ask about the rest.

    It may be the platform of somebody whose state is elsewhere. On the laptop it is nobody else's.
    """
    others = []
    for change, identifier in found.items():
        if adopt.restored(stage, change, identifier):
            print(f"  {identifier} waited for its deletion and is restored", flush=True)
        else:
            others.append(identifier)
            print(f"  {identifier} is there already, and not in Terraform's state", flush=True)
    if others and not stage.is_local:
        changes.confirm_by_name(stage, "Take these into this state? No other may know them.")


def destroy(stage: Stage) -> None:
    """Delete what Terraform's state knows of the platform. Raises UserError on failure."""
    _forget_lost_cloud(stage)
    initialise(stage)
    arguments = ["-auto-approve", *variable_arguments(stage)]
    try:
        _change(stage, backend.module(stage), "destroy", *arguments)
    except UserError as error:
        if "since it has rules" not in str(error):
            raise
        # EventBridge may see rules of the stack that went just before; the provider does not wait.
        print("  the bus still has rules; trying once more", flush=True)
        _change(stage, backend.module(stage), "destroy", *arguments)


def check_place(stage: Stage) -> None:
    """Raise UserError when the state is of another account or region: it would be forgotten there.

    Terraform takes what it does not find for deleted, and makes it a second time.
    """
    if not stage.is_local and (key := outputs(stage).get("key_arns", {}).get("data")):
        place.check_state(stage, key)


def known(stage: Stage) -> list[str]:
    """The addresses of what Terraform's state knows, as the backend has it now."""
    _forget_lost_cloud(stage)
    initialise(stage)
    done = _run(stage, "state", "list")
    if done.returncode and "No state file was found" not in done.stderr:
        raise UserError(f"terraform state list failed: {_first_error(done.stderr)}")
    return [line for line in done.stdout.splitlines() if not line.startswith("data.")]


def _plan_file(stage: Stage) -> Path:
    return stage.state_dir / "plan"


def _planned(stage: Stage, folder: Path) -> list[Change]:
    """What an apply would change, kept as a plan. Raises UserError when it cannot be planned."""
    found: list[Change] = []
    problems: list[str] = []

    def read(line: str) -> None:
        list(_readable([line], problems))
        if line.startswith("{"):
            found.extend(changes.read(json.loads(line)))

    arguments = ["-json", "-input=false", f"-out={_plan_file(stage)}", *variable_arguments(stage)]
    command = _command("plan", *arguments, folder=folder)
    code = child.run(command, read, env=environment_of(stage))
    _check(stage, "plan", code, problems)
    return found


def _forget_lost_cloud(stage: Stage) -> None:
    """Drop the laptop's state when the local cloud that it describes is gone.

    Terraform would come to the same, but asks for every lost resource for many seconds.
    """
    state = stage.state_dir / "terraform.tfstate"
    if not stage.is_local or not state.exists():
        return
    try:
        outputs = json.loads(state.read_text()).get("outputs") or {}
    except ValueError:  # Terraform was killed before it had anything to note
        state.unlink()
        return
    key = outputs.get("key_arns", {}).get("value", {}).get("data")
    try:
        if key:
            stage.client("kms").describe_key(KeyId=key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        state.unlink()


def _change(stage: Stage, folder: Path, verb: str, *arguments: str) -> None:
    problems: list[str] = []

    def show(line: str) -> None:
        for readable in _readable([line], problems):
            print(f"  {readable}", flush=True)

    command = _command(verb, "-json", "-input=false", *arguments, folder=folder)
    _check(stage, verb, child.run(command, show, env=environment_of(stage)), problems)


def _check(stage: Stage, verb: str, code: int, problems: list[str]) -> None:
    if code:
        problems = problems or [child.ended_by(code) or "it does not say why"]
        raise UserError(f"terraform {verb} of {stage.name} failed: {'; '.join(problems)}")


def _readable(lines: Iterable[str], problems: list[str]) -> Iterator[str]:
    """One short line for each thing that is done; errors are collected in `problems`."""
    for line in lines:
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            problems.append(line.strip())
            continue
        kind, hook = event.get("type"), event.get("hook", {})
        if kind == "apply_complete" and hook.get("action") in _DONE:
            address = hook["resource"]["addr"]
            seconds = hook.get("elapsed_seconds", 0)
            yield f"{_ACTIONS[hook['action']]} {address} {_DONE[hook['action']]} ({seconds} s)"
        elif kind == "apply_progress":
            yield f"… {hook['resource']['addr']} ({hook.get('elapsed_seconds', 0)} s)"
        elif kind == "change_summary" and event["changes"].get("operation") != "plan":
            yield event["@message"]
        elif kind == "diagnostic" and event["diagnostic"]["severity"] == "error":
            problems.append(_diagnosis(event["diagnostic"]))


def _diagnosis(diagnostic: dict[str, Any]) -> str:
    """Return what is wrong in one line: file and line, words, and the resource."""
    file, line = _place(diagnostic)
    where = f"{TERRAFORM.name}/{file}:{line}: " if file else ""
    address = diagnostic.get("address")
    return f"{where}{_words(diagnostic)}{f' ({address})' if address else ''}"


def outputs(stage: Stage) -> dict[str, Any]:
    """The stage's outputs by name, as in terraform/outputs.tf; empty before the first apply."""
    initialise(stage)
    answer = _captured(stage, "output", "-json")
    return {name: output["value"] for name, output in json.loads(answer).items()}


def plan_is_empty(stage: Stage) -> bool:
    """Whether what is deployed is what terraform/ says. Raises UserError when it cannot be told."""
    initialise(stage)
    arguments = ("plan", "-detailed-exitcode", "-input=false", "-no-color", "-lock=false")
    done = _run(stage, *arguments, *variable_arguments(stage))
    if done.returncode not in (0, 2):
        raise UserError(f"terraform plan of {stage.name} failed: {_first_error(done.stderr)}")
    return done.returncode == 0


def _run(stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = _command(*arguments, folder=backend.module(stage))
    return subprocess.run(command, env=environment_of(stage), capture_output=True, text=True)


def _captured(stage: Stage, *arguments: str) -> str:
    done = _run(stage, *arguments)
    if done.returncode:
        raise UserError(f"terraform {arguments[0]} failed: {_first_error(done.stderr)}")
    return done.stdout


def validate() -> None:
    """Check terraform/ by itself: no stage, no credentials. Raises UserError with what is wrong."""
    with _by_itself() as environment:
        _alone(environment, "validate", "-no-color")


def diagnostics() -> list[tuple[str, int, str]]:
    """Return (file in terraform/, line, what is wrong) of each error that Terraform finds in it.

    Raises UserError when it cannot be made ready for that.
    """
    with _by_itself() as environment:
        done = subprocess.run(
            _command("validate", "-json"), env=environment, capture_output=True, text=True
        )
    try:
        every = json.loads(done.stdout)["diagnostics"]
    except (ValueError, LookupError):
        raise UserError(f"terraform validate failed: {_first_error(done.stderr)}") from None
    return [(*_place(each), _words(each)) for each in every if each["severity"] == "error"]


def _place(diagnostic: dict[str, Any]) -> tuple[str, int]:
    where = diagnostic.get("range") or {}
    return str(where.get("filename", "")), int(where.get("start", {}).get("line", 0))


def _words(diagnostic: dict[str, Any]) -> str:
    return " ".join(f"{diagnostic['summary']}: {diagnostic.get('detail', '')}".split())


def planned_in_test(folder: str) -> dict[str, dict[str, Any]]:
    """The values of all resources, by address, as the plan in this folder of tests has them.

    Made anew when anything below terraform/ changed. Raises UserError when it cannot be planned, or
    when its test fails. Tests in other folders are not read: one that is broken is not in the way.
    """
    sources = [path for path in sorted(TERRAFORM.rglob("*.*")) if path.suffix in (".tf", ".hcl")]
    sources.append(Path(__file__))
    mark = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    kept = local_dir() / "terraform-validate" / f"planned-{mark}.json"
    if not kept.exists():
        tests = f"-test-directory=tests/{folder}"
        with _by_itself(tests) as environment:
            arguments = ("-json", "-verbose", tests)
            said = map(json.loads, _alone(environment, "test", *arguments).splitlines())
            (plan,) = [each["test_plan"] for each in said if each["type"] == "test_plan"]
            found = {each["address"]: each["change"]["after"] for each in plan["resource_changes"]}
            for old in kept.parent.glob("planned-*"):
                old.unlink()
            new = kept.with_suffix(".new")
            new.write_text(json.dumps(found))
            new.replace(kept)
    values: dict[str, dict[str, Any]] = json.loads(kept.read_text())
    return values


@contextmanager
def _by_itself(*options: str) -> Iterator[dict[str, str]]:
    """terraform/ made ready without a stage, for one process at a time; gives the environment.

    No request can leave the machine: AWS's address is one where nobody answers.
    """
    check_sources()
    data = local_dir() / "terraform-validate"
    data.mkdir(parents=True, exist_ok=True)
    given = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_VAR_"))}
    environment = _without_missing_config(given) | {
        "TF_DATA_DIR": str(data),
        "CHECKPOINT_DISABLE": "1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    mirror = find_mirror(environment)
    plugins = [f"-plugin-dir={mirror}"] if mirror else []
    with (data / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        init = ["-backend=false", "-input=false", "-no-color", "-lockfile=readonly", *plugins]
        _alone(environment, "init", *init, *options)
        yield environment


def _alone(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(_command(*arguments), env=environment, capture_output=True, text=True)
    if done.returncode:
        problems: list[str] = []
        if "-json" in arguments:
            list(_readable(done.stdout.splitlines(), problems))
        problem = "; ".join(problems) or _first_error(done.stderr)
        raise UserError(f"terraform {arguments[0]} failed: {problem}")
    return done.stdout


def _plan(stage: Stage) -> int:
    initialise(stage)
    arguments = ("-input=false", "-lock=false", *variable_arguments(stage))
    command = _command("plan", *arguments, folder=backend.module(stage))
    return subprocess.run(command, env=environment_of(stage)).returncode


def main() -> int | None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m workbench.deployment.terraform", description=__doc__
    )
    verbs = ("fmt", "init", "migrate", "validate", "plan", "apply", "destroy", "output")
    parser.add_argument("verb", choices=verbs, help="what to do with the stage's platform")
    verb = parser.parse_args().verb
    if verb == "validate":
        validate()
        return None
    if verb == "fmt":
        return subprocess.run(_command("fmt", "-recursive")).returncode
    stage = Stage.from_environment()
    if verb == "plan":
        return _plan(stage)
    if verb == "output":
        json.dump(outputs(stage), sys.stdout, indent=2)
        print()
        return None
    if verb == "migrate":
        initialise(stage, move_state=True)
        place.keep(stage)
        print(f"the state of {stage.name} is in {backend.of(stage).address} now")
        return None
    {"init": initialise, "apply": apply, "destroy": destroy}[verb](stage)
    return None


if __name__ == "__main__":
    run(main)
