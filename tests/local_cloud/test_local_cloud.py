"""The local cloud as a whole: start, state, stop, and what may go wrong in between.

Each test has a state folder of its own, with a space in its name, and free ports.
"""

import contextlib
import ctypes
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import pytest

from operations.services import postgres
from workbench.local_cloud import ports, processes, state
from workbench.local_cloud.emulator import keys, ministack
from workbench.stages.errors import UserError
from workbench.stages.stage import LOCAL_REGION, ROOT, Stage
from workbench.stages.waiting import wait_until

PREFIX = Stage("local").prefix


class Commands:
    """The local cloud's commands, on a state folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "WORKBENCH_LOCAL_DIR": str(folder),
            "CLOUD_PORT": str(ports.free()),
            "DATABASE_PORT": str(ports.free()),
            "OUTSIDE_PORT": str(ports.free()),
            "AWS_PROFILE": "somebody-elses",
            "AWS_SECRET_ACCESS_KEY": "the-callers-own",
        }
        self.environment.pop("STAGE", None)

    def begin(
        self, *arguments: str, module: str = "workbench.local_cloud", **more: str
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        process = self.begin(*arguments, **more)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def read(self, name: str) -> Any:
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else None

    def running(self) -> list[processes.Process]:
        noted = [processes.Process(**entry) for entry in self.read("processes.json") or []]
        return [process for process in noted if process.alive]


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    folder = tmp_path / "local cloud"
    mine = Commands(folder)
    yield mine
    mine.run("down")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """A running local cloud that tests only ask."""
    mine = Commands(tmp_path_factory.mktemp("running") / "local cloud")
    started = mine.run("up")
    assert started.returncode == 0, started.stderr
    yield mine
    mine.run("down")


def one_line(text: str) -> str:
    """The only line of a text."""
    (line,) = text.strip().splitlines()
    return line


def ask(
    url: str, method: str = "GET", body: Any = None, key: str = "", control: str = ""
) -> tuple[int, Any]:
    """Status and content of an HTTP answer."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)  # noqa: S310 - http, loopback
    if key:
        request.add_header("X-Api-Key", key)
    if control:
        request.add_header(keys.HEADER, control)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_up_status_down_each_twice(commands: Commands) -> None:
    assert commands.run("status").returncode == 1
    assert commands.run("up").returncode == 0
    cloud = commands.read("cloud.json")

    again = commands.run("up")

    assert again.returncode == 0
    assert "is up" in again.stdout
    assert commands.read("cloud.json") == cloud
    status = commands.run("status")
    assert status.returncode == 0
    assert cloud["endpoint"] in status.stdout
    assert "nothing is deployed" in status.stdout
    assert commands.folder.stat().st_mode & 0o777 == 0o700

    noted = commands.running()
    assert commands.run("down").returncode == 0
    assert not any(process.alive for process in noted)
    assert {path.name for path in commands.folder.iterdir()} <= state.KEPT
    repeated = commands.run("down")
    assert repeated.returncode == 0
    assert "not running" in repeated.stdout


def test_two_at_once_start_one_cloud(commands: Commands) -> None:
    both = [commands.begin("up") for _ in range(2)]

    outputs = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0], outputs
    assert len(commands.running()) == 3


def test_dead_leftover_is_cleared_with_the_vanished_clouds_terraform_state(
    commands: Commands,
) -> None:
    assert commands.run("up").returncode == 0
    before = commands.running()
    (commands.folder / "terraform").mkdir()
    (cloud,) = (process for process in before if process.name == ministack.NAME)
    processes.kill_group(cloud.pid)
    wait_until(lambda: len(commands.running()) == 2, "the cloud is dead")

    refused = commands.run("up")

    assert refused.returncode == 1
    assert one_line(refused.stderr).startswith("error: nothing was changed; answer y, say YES=1")
    assert (commands.folder / "terraform").exists()

    again = commands.run("up", YES="1")

    assert again.returncode == 0, again.stderr
    assert not any(process.alive for process in before)
    assert len(commands.running()) == 3
    assert not (commands.folder / "terraform").exists()


@pytest.fixture
def unnoticed_ends() -> Iterator[None]:
    """Orphans come to this process, which does not ask for their ends: they stay as zombies.

    So does the first process of a container that starts no init (man 2 prctl).
    """
    if sys.platform != "linux":
        pytest.skip("only Linux gives orphans to another process than the first")
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    set_child_subreaper = 36
    assert prctl(set_child_subreaper, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        prctl(set_child_subreaper, 0, 0, 0, 0)


@pytest.mark.usefixtures("unnoticed_ends")
def test_a_database_that_was_killed_alone_comes_back_with_its_data(commands: Commands) -> None:
    assert commands.run("up").returncode == 0
    cloud = commands.read("cloud.json")
    (commands.folder / "terraform").mkdir()
    before = {process.name: process.pid for process in commands.running()}
    with owner_of(commands, cloud) as owner:
        owner.execute("create table kept as select 42 as answer")
        os.killpg(before["postgres"], signal.SIGKILL)
    wait_until(lambda: len(commands.running()) == 2, "PostgreSQL is dead")
    assert commands.run("status").returncode == 1

    again = commands.run("up")

    assert (again.returncode, again.stderr) == (0, "")
    assert "postgres ended; starting it again" in again.stdout
    after = {process.name: process.pid for process in commands.running()}
    assert {name for name, pid in after.items() if before[name] != pid} == {"postgres"}
    assert commands.read("cloud.json") == cloud
    assert (commands.folder / "terraform").exists()
    with owner_of(commands, cloud) as owner:
        assert owner.execute("select answer from kept").fetchone() == (42,)


def owner_of(commands: Commands, cloud: dict[str, Any]) -> "psycopg.Connection":
    """A connection of the database's owner."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_LOCAL_DIR", str(commands.folder))
        return postgres.connect_as_owner(cloud["services"]["postgres"]["port"])


def test_process_that_only_has_the_same_number_is_left_alone(commands: Commands) -> None:
    commands.folder.mkdir()
    stranger = {"name": "ministack", "pid": os.getpid(), "started": "long ago"}
    (commands.folder / "processes.json").write_text(json.dumps([stranger]))

    assert commands.run("down").returncode == 0

    assert commands.read("processes.json") is None  # and this test still runs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", ["processes.json", "postgres", "logs/postgres.log"])
def test_interrupted_start_leaves_nothing(
    commands: Commands, number: signal.Signals, after: str
) -> None:
    starting = commands.begin("up")
    wait_until(lambda: (commands.folder / after).exists(), after)
    noted = commands.running()

    starting.send_signal(number)
    _, err = starting.communicate(timeout=60)

    assert starting.returncode == 130
    assert one_line(err).startswith("interrupted")
    assert not any(process.alive for process in noted)
    assert not commands.running()
    assert commands.read("cloud.json") is None
    assert listeners(int(commands.environment["CLOUD_PORT"])) == 0


def listeners(port: int) -> int:
    """How many listen on a port: 0 or 1."""
    return int(not ports.is_free(port))


def test_killed_start_is_cleared_by_the_next(commands: Commands) -> None:
    starting = commands.begin("up")
    wait_until(lambda: len(commands.running()) == 2, "two processes run")
    orphans = commands.running()
    starting.kill()
    starting.communicate()

    again = commands.run("up")

    assert again.returncode == 0, again.stderr
    assert "did not finish" in again.stdout
    assert not any(process.alive for process in orphans)


@pytest.mark.parametrize("variable", ["CLOUD_PORT", "DATABASE_PORT", "OUTSIDE_PORT"])
def test_taken_port_is_said_in_one_line(commands: Commands, variable: str) -> None:
    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]

        refused = commands.run("up", **{variable: str(port)})

    assert refused.returncode == 1
    assert (
        one_line(refused.stderr) == f"error: {variable}={port} is taken; name another port or none"
    )
    assert not commands.running()


def test_port_that_is_none_is_said_in_one_line(commands: Commands) -> None:
    refused = commands.run("up", CLOUD_PORT="http")

    assert refused.returncode == 1
    assert "CLOUD_PORT=http is not a port" in one_line(refused.stderr)


def test_usual_port_is_left_to_whoever_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUD_PORT", raising=False)
    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert ports.choose("CLOUD_PORT", port) != port


def test_process_that_ends_shows_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path))
    process = processes.start("broken", ["sh", "-c", "echo out of order; exit 3"], os.environ)

    def complaint() -> str:
        try:
            processes.check(process)
        except UserError as error:
            return str(error)
        return ""

    said = wait_until(complaint, "the process ended")
    assert "out of order" in said
    assert str(state.log_file("broken")) in said


def test_process_that_ignores_the_signal_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path))
    monkeypatch.setattr(processes, "_STOP_SECONDS", 0.2)
    stubborn = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]
    process = processes.start("stubborn", stubborn, os.environ)
    wait_until(lambda: processes.has_logged("stubborn", "ready"), "it runs")

    assert processes.stop_all() == ["stubborn"]

    wait_until(lambda: not process.alive, "it is dead", 5)


def test_processes_see_nothing_of_the_caller(running: Commands) -> None:
    for process in running.running():
        environment = psutil.Process(process.pid).environ()
        text = str(environment)
        assert "the-callers-own" not in text
        assert "somebody-elses" not in text
        # Where a container engine runs, the emulator would fetch images from the Internet.
        assert process.name != "ministack" or environment["DOCKER_HOST"] == "unix:///nonexistent"


def test_keys_are_in_their_file_only(running: Commands) -> None:
    path = running.folder / keys.FILE
    drawn = keys.read(path)
    said = [running.run("status").stdout]
    said += [log.read_text() for log in (running.folder / "logs").iterdir()]
    said += [found.read_text(errors="replace") for found in running.folder.glob("*")
             if found.is_file() and found != path]  # fmt: skip
    for process in running.running():
        for one in processes.tree(process.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                said += [str(one.environ()), str(one.cmdline())]

    assert path.stat().st_mode & 0o777 == 0o600
    for secret in (drawn.secret_access_key, drawn.control):
        assert not any(secret in text for text in said)


def test_status_says_how_the_aws_cli_is_used(running: Commands) -> None:
    (line,) = [text for text in running.run("status").stdout.splitlines() if "AWS CLI" in text]

    assert f"{running.folder}/aws-config' aws --profile {keys.PROFILE} " in line


def test_every_port_is_on_the_loopback_interface(running: Commands) -> None:
    addresses = [
        connection.laddr.ip
        for process in running.running()
        for one in processes.tree(process.pid)
        for connection in one.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(addresses) == {"127.0.0.1"}
    assert len(addresses) == 3


def client_of(running: Commands, service: str) -> Any:
    """A boto3 client of the running cloud."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=running.read("cloud.json")["endpoint"],
        region_name=LOCAL_REGION,
        **keys.read(running.folder / keys.FILE).credentials,
    )


type PutSecret = Callable[[str, dict[str, Any]], None]


@pytest.fixture(scope="module")
def secret(running: Commands) -> PutSecret:
    """Sets a secret of the local stage."""
    client = client_of(running, "secretsmanager")

    def put(name: str, fields: dict[str, Any]) -> None:
        text, name = json.dumps(fields), f"{PREFIX}/{name}"
        try:
            client.create_secret(Name=name, SecretString=text)
        except client.exceptions.ResourceExistsException:
            client.put_secret_value(SecretId=name, SecretString=text)

    return put


@pytest.fixture
def database(running: Commands, secret: PutSecret) -> dict[str, Any]:
    """The orders database, made with a new password: how to connect to it."""
    about = running.read("cloud.json")["variables"]["database"]
    fields = {name: about[name] for name in ("host", "port", "dbname", "username")}
    fields = fields | {"engine": "postgres", "password": secrets.token_hex(8) + "'\\ %"}
    secret("database", fields)
    secret("database-owner", fields | {"username": "order_intake_owner"})
    for _ in range(2):  # repeatable
        connected = running.run(module="operations.services.database")
        assert connected.returncode == 0, connected.stderr
    client_fields = {name: about[name] for name in ("host", "port", "dbname")}
    return client_fields | {"user": about["username"]}


def password_of(running: Commands) -> str:
    client = client_of(running, "secretsmanager")
    text = client.get_secret_value(SecretId=f"{PREFIX}/database")["SecretString"]
    return str(json.loads(text)["password"])


def test_wrong_password_is_refused(database: dict[str, Any]) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**database, password="guessed")


def test_psql_runs_as_the_functions_role(running: Commands, database: dict[str, Any]) -> None:
    answer = running.run(
        "-Atc", "select current_user, current_database()", module="operations.services.psql"
    )

    assert answer.stdout.strip() == "order_intake|orders"
    assert running.run("-c", "nonsense", module="operations.services.psql").returncode != 0


def test_connect_database_needs_a_secret(commands: Commands) -> None:
    assert "make up" in one_line(commands.run(module="operations.services.database").stderr)


def test_rates_need_the_current_key(running: Commands, secret: PutSecret) -> None:
    base = running.read("cloud.json")["variables"]["rates_api"]["base_url"]
    url = f"{base}/2010-12-31?base=EUR&symbols=GBP"
    secret("rates-api", {"base_url": "", "api_key": "first"})

    assert ask(url)[0] == 401
    assert ask(url, key="second")[0] == 401
    status, content = ask(url, key="first")
    assert status == 200
    assert json.loads(content) == {
        "amount": 1.0,
        "base": "EUR",
        "date": "2010-12-31",
        "rates": {"GBP": 0.86075},
    }

    secret("rates-api", {"base_url": "", "api_key": "second"})  # rotated
    assert ask(url, key="second")[0] == 200
    assert ask(url, key="first")[0] == 401


def test_rates_are_of_working_days(running: Commands, secret: PutSecret) -> None:
    base = running.read("cloud.json")["variables"]["rates_api"]["base_url"]
    secret("rates-api", {"base_url": "", "api_key": "key"})

    sunday = json.loads(ask(f"{base}/2011-01-02?symbols=USD", key="key")[1])
    days = json.loads(ask(f"{base}/2010-12-30..2011-01-03?symbols=GBP", key="key")[1])

    assert sunday["date"] == "2010-12-31"
    assert sunday["rates"] == {"USD": 1.3362}
    assert list(days["rates"]) == ["2010-12-31", "2011-01-03"]
    assert days["rates"]["2010-12-31"] == {"GBP": 0.86075}
    assert days["rates"]["2011-01-03"] == {"GBP": 0.870304}
    for unknown in ("/2010-12-30", "/2010-12-31?symbols=XXX", "/2010-12-31?base=USD", "/someday"):
        assert ask(base + unknown, key="key")[0] == 404


def outside_of(cloud: dict[str, Any]) -> str:
    return f"http://{ports.HOST}:{cloud['services']['outside']['port']}"


def test_rates_end_on_the_day_that_is_set(running: Commands, secret: PutSecret) -> None:
    cloud = running.read("cloud.json")
    base = cloud["variables"]["rates_api"]["base_url"]
    day = f"{outside_of(cloud)}/day"
    secret("rates-api", {"base_url": "", "api_key": "key"})
    control = keys.read(running.folder / keys.FILE).control

    def last(until: Any) -> str:
        assert ask(day, "PUT", {"last": until}, control=control)[0] == 200
        answer = json.loads(ask(f"{base}/2010-12-31..2011-01-07?symbols=GBP", key="key")[1])
        return str(answer["end_date"])

    assert last("2011-01-04") == "2011-01-04"
    assert last(None) == "2011-01-07"
    assert ask(day, "PUT", {"last": "someday"}, control=control)[0] == 400
    assert ask(day, "PUT", {"last": None})[0] == 403


def test_apis_fail_when_told_to(running: Commands, secret: PutSecret) -> None:
    cloud = running.read("cloud.json")
    control = f"{outside_of(cloud)}/control"
    hook = cloud["variables"]["partner_webhook"]["url"]
    secret("partner-webhook", {"url": hook, "api_key": "key"})
    secret_of_control = keys.read(running.folder / keys.FILE).control
    received = f"{outside_of(cloud)}/received"
    ask(received, "DELETE", control=secret_of_control)

    def reported(trouble: Any) -> int:
        return ask(control, "PUT", trouble, control=secret_of_control)[0]

    assert reported({"webhook": {"fail_next": 1, "status": 500}}) == 200
    assert ask(hook, "POST", {"number": 1}, key="key")[0] == 500
    assert ask(hook, "POST", {"number": 2}, key="wrong")[0] == 401
    assert ask(hook, "POST", {"number": 3}, key="key")[0] == 200
    assert reported({"webhook": {"fail_next": 1, "garbage": True}}) == 200
    assert ask(hook, "POST", {"number": 4}, key="key")[1].startswith(b"<html>")

    assert json.loads(ask(received, control=secret_of_control)[1]) == [{"number": 3}]
    assert reported({"webhook": {"status": 500, "no_such": 1}}) == 400


def test_logs_are_read_by_time_and_chosen(running: Commands) -> None:
    client = client_of(running, "logs")
    now = int(time.time() * 1000)
    for offset, function in enumerate(("LoadOrders", "PriceChunk")):
        group = f"/aws/lambda/{PREFIX}-{function}"
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName="s")
        entry = {"level": "INFO", "message": f"said by {function}", "file_id": f"id{offset}"}
        metric = {"_aws": {"CloudWatchMetrics": []}, "FilesAccepted": 1}
        messages = ["START RequestId: 1", json.dumps(entry), json.dumps(metric)]
        events = [{"timestamp": now - offset, "message": message} for message in messages]
        client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    lines = running.run("logs").stdout.splitlines()

    assert len(lines) == 2
    assert lines[0].endswith("PriceChunk         INFO said by PriceChunk file_id=id1")
    assert "LoadOrders" in one_line(running.run("logs", FN="LoadOrders").stdout)
    assert len(running.run("logs", ALL="1").stdout.splitlines()) == 6
    assert "id1" in one_line(running.run("logs", FILE_ID="id1").stdout)
    unknown = running.run("logs", FN="NoSuch")
    assert unknown.returncode == 1
    assert "there are: LoadOrders, PriceChunk" in one_line(unknown.stderr)


def test_missing_environment_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ministack, "CLOUD_ENVIRONMENT", tmp_path / "cloud")

    with pytest.raises(UserError, match="make setup"):
        ministack.cloud_python()
