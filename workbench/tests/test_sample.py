"""The workbench on a service that it does not know: a copy of the sample under other names.

The copy stands elsewhere, by itself, so nothing of order intake can be imported there.
"""

import json
import re
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from sample_service import Service
from workbench.local_cloud.emulator import keys
from workbench.stages.stage import LOCAL_REGION
from workbench.stages.waiting import wait_until

LINTS = (
    "workflow definition",
    "workflow data",
    "cfn-lint template",
    "cfn-lint translated template",
    "terraform fmt",
    "terraform validate",
)


@pytest.fixture
def renamed(tmp_path: Path) -> Iterator[Service]:
    """A copy under names that are drawn anew; a failed test shows the seed."""
    seed = secrets.randbelow(1_000_000)
    service = Service.copy(tmp_path / "a service of mine", seed)
    print(f"names of seed {seed}: {service.names}")
    yield service
    service.run("local_cloud", "down")


@pytest.fixture
def plain(tmp_path: Path) -> Service:
    """A copy with the sample's own names, to break something in."""
    return Service.copy(tmp_path / "a service of mine")


def closing_line(done: "subprocess.CompletedProcess[str]") -> str:
    """The last line of a command that ended well."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


def client_of(service: Service, name: str) -> Any:
    """A client of the service's own local cloud."""
    endpoint = json.loads((service.local_dir / "cloud.json").read_text())["endpoint"]
    credentials = keys.read(service.local_dir / keys.FILE).credentials
    return boto3.client(  # type: ignore[call-overload]
        name, endpoint_url=endpoint, region_name=LOCAL_REGION, **credentials
    )


def failed_execution(service: Service) -> str:
    """The name of an execution that has failed, as the list of the newest ones shows it."""
    listed = service.run("history").stdout.splitlines()
    return next(line.split()[-1] for line in listed if "FAILED" in line)


def lose_a_label(service: Service) -> None:
    """Put a message where the label queue's go that nobody took."""
    queues = client_of(service, "sqs")
    url = queues.get_queue_url(QueueName="parcels-local-lost-labels")["QueueUrl"]
    queues.send_message(QueueUrl=url, MessageBody='{"key": "incoming/lost_and_found"}')


def test_a_service_of_other_names_is_deployed_replayed_and_asked(renamed: Service) -> None:
    assert "is up after" in closing_line(renamed.run("local_cloud", "up"))
    assert closing_line(renamed.run("deployment.deploy")) == "deployed: stack parcels-local"
    assert "parcels-local: CREATE_COMPLETE" in renamed.run("local_cloud", "status").stdout

    ended = renamed.run("replay", "--report")
    replayed = closing_line(ended)
    routes = closing_line(renamed.run("routes"))

    assert replayed == "replayed 6, as expected 6, differ 0"
    page = Path.from_uri(ended.stdout.splitlines()[-2].removeprefix("the page: "))
    text = page.read_text(encoding="utf-8")
    assert text.count('<template class="drawing"') == 1
    assert '"outcome":"TooHeavy"' in text
    assert routes.startswith("asked 2 rules about ")
    assert routes.endswith(", differ 0")

    explained = renamed.run("routes.explain", "--event", "beside_the_box")
    assert explained.returncode == 1
    assert 'detail.object.key is "' in explained.stdout
    assert "nothing: no rule that is on takes it there" in explained.stdout

    looked = renamed.run("look").stdout
    for shown in ("incoming/", "parcels-local-lost-labels", "cron(0 18 * * ? *)", "archives"):
        assert shown in looked

    renamed.run("permissions", RECORD="yes")
    needed = closing_line(renamed.run("permissions"))
    assert needed.endswith("; 0 missing, 0 unused, 0 too wide")

    heavy = renamed.run("history", "--execution", failed_execution(renamed)).stdout
    assert "Weigh  Task" in heavy
    assert "caught  TooHeavy" in heavy

    the_watch_survives_a_typing_error(renamed)
    lose_a_label(renamed)
    assert closing_line(renamed.run("replay.redrive")) == "1 handed over, 0 left"
    printed = f"{renamed.names['PrintLabel']:<18} label for incoming/"
    for parcel in ("small_parcel.txt", "lost_and_found"):
        wait_until(_logged(renamed, printed + parcel), f"the label of {parcel} is printed", 60)

    assert closing_line(renamed.run("deployment.destroy", YES="1"))
    assert "nothing is deployed" in renamed.run("local_cloud", "status").stdout
    assert closing_line(renamed.run("local_cloud", "down"))


def the_watch_survives_a_typing_error(service: Service) -> None:
    """Save a definition that is broken, then one that is not; Ctrl-C ends the watching."""
    definition = next(
        path
        for path in (service.root / "statemachines").iterdir()
        if "Type: Fail" in path.read_text(encoding="utf-8")
    )
    text = definition.read_text(encoding="utf-8")
    with service.started("watch") as printed:
        _until_printed(printed, "waiting for a save")
        definition.write_text(text.replace("Type: Fail", "Type: Fial"), encoding="utf-8")
        _until_printed(printed, "put this right and save")
        definition.write_text(f"{text}\n# saved again\n", encoding="utf-8")
        _until_printed(printed, "replayed 1, as expected 1, differ 0")
    assert f"{definition.parent.name}/{definition.name}:" in printed.read_text()
    assert "definition: " in printed.read_text()
    assert printed.read_text().endswith("stopped; what was brought last stays deployed\n")


def _until_printed(file: Path, text: str) -> None:
    wait_until(lambda: text in file.read_text(), f"{text!r} is printed:\n{file.read_text()}", 120)


def _logged(service: Service, text: str) -> Callable[[], bool]:
    return lambda: text in service.run("local_cloud", "logs").stdout


def test_lint_checks_template_definitions_and_data(renamed: Service) -> None:
    linted = renamed.run("checks.lint", *LINTS)

    assert linted.returncode == 0, linted.stdout
    assert [line.split()[0] for line in linted.stdout.splitlines()[1:]] == ["passed"] * 5


def test_a_misspelt_variable_is_found_in_the_second_machine_too(renamed: Service) -> None:
    for definition in (renamed.root / "statemachines").iterdir():
        text = definition.read_text(encoding="utf-8")
        definition.write_text(text.replace("$states.input.detail", "$detial"), encoding="utf-8")

    linted = renamed.run("checks.lint", "workflow data")

    assert linted.returncode == 1
    assert linted.stdout.count("$detial") >= 2


def test_a_flaw_of_a_service_without_tests_is_caught_by_a_linter(renamed: Service) -> None:
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=renamed.root, check=True)

    tried = renamed.run("mutants", PART="1/1000")

    assert closing_line(tried).startswith("caught 1 of 1 (100.0%)")
    assert "definition: a Next that leads nowhere" in tried.stdout


@pytest.mark.parametrize(
    ("gone", "command", "said"),
    [
        ("template.yaml", "deployment.build", "there is no template.yaml; write the "),
        ("template.yaml", "workflow", "there is no template.yaml; write the "),
        ("terraform/versions.tf", "deployment.deploy", "there is no terraform/versions.tf; say "),
        ("terraform", "deployment.deploy", "there is no terraform/versions.tf; say "),
        (
            "terraform/.terraform.lock.hcl",
            "deployment.deploy",
            "there is no terraform/.terraform.lock.hcl; let Terraform write it: terraform ",
        ),
        ("events", "replay", "there is no events/; write a scenario below it"),
        (
            "statemachines/ship_parcel.asl.yaml",
            "deployment.build",
            "template.yaml: the DefinitionUri of ShipParcel, statemachines/ship_parcel.asl.yaml, "
            "is not there; write ",
        ),
        ("samconfig.toml", "deployment.build", "samconfig.toml cannot be read: "),
        ("pyproject.toml", "deployment.build", "pyproject.toml cannot be read: "),
        ("nothing", "workflow", "there is no tests/workflow/; write a test there "),
        ("nothing", "replay", "the local cloud is not running; start it with: make up"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    plain: Service, gone: str, command: str, said: str
) -> None:
    plain.remove(gone)

    done = plain.run(command)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    if "nothing was deployed" in done.stderr:  # a check has found it, and says where
        file, remedy = re.fullmatch(r"there is no (\S+); (.*)", said).groups()  # type: ignore[union-attr]
        assert done.stdout.startswith(f"{file}: is not there; {remedy}")
        assert len(done.stdout.splitlines()) == 1
    else:
        assert done.stderr.startswith(f"error: {said}")


def test_an_interrupted_check_ends_with_all_that_it_started(plain: Service) -> None:
    checking = plain.begun("checks.check")
    process = psutil.Process(checking.pid)
    wait_until(lambda: len(process.children()) > 1, "parts are checked side by side", 60)
    parts = process.children()

    checking.send_signal(signal.SIGINT)

    assert checking.wait(60) == 130
    wait_until(lambda: not any(_works(part) for part in parts), "the parts have ended", 60)


def _works(process: psutil.Process) -> bool:
    """Return whether a process still does something: one that has ended may wait for its parent."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("command", ["checks.lint", "bench", "mutants", "deployment.build"])
def test_an_application_that_cannot_be_imported_is_one_line(plain: Service, command: str) -> None:
    with (plain.root / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write('[tool.workbench]\napplication = "no_such_module:APPLICATION"\n')

    done = plain.run(command)

    assert done.returncode == 1
    assert done.stderr.startswith("error: pyproject.toml: [tool.workbench] application = ")
    assert len(done.stderr.splitlines()) == 1
