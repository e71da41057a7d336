"""RotateDatabaseSecret: four steps, each of which may be done again."""

# ruff: noqa: N803 -- the arguments have boto3's names

from typing import Any

import msgspec
import pytest

from order_intake.adapters import aws_clients, database, secrets
from order_intake.domain.errors import DatabaseRefused, InvalidInput, ServiceBusy
from order_intake.handlers import rotate_database_secret
from order_intake.pipeline import rotation
from tests.unit.fakes import client_error
from tests.unit.handlers.conftest import context

ARN = "arn:database"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
FIRST = {
    "engine": "postgres",
    "host": "db.example",
    "port": 5432,
    "dbname": "orders",
    "username": "order_intake",
    "password": "first",
    "note": "ours",
}


class Versions:
    """Secrets Manager with one secret, its versions and their stages."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Any]] = {"v0": dict(FIRST)}
        self.stages: dict[str, set[str]] = {"v0": {"AWSCURRENT"}}
        self.puts = 0

    def current(self) -> dict[str, Any]:
        (version,) = (one for one, stages in self.stages.items() if "AWSCURRENT" in stages)
        return self.values[version]

    def get_secret_value(
        self,
        *,
        SecretId: str,
        VersionStage: str,
        VersionId: str | None = None,
    ) -> dict[str, Any]:
        for version, stages in self.stages.items():
            if VersionStage in stages and VersionId in (None, version) and version in self.values:
                return {
                    "SecretString": msgspec.json.encode(self.values[version]).decode(),
                    "VersionStages": sorted(stages),
                }
        raise client_error("ResourceNotFoundException")

    def put_secret_value(
        self, *, SecretId: str, ClientRequestToken: str, SecretString: str,
        VersionStages: list[str],
    ) -> None:  # fmt: skip
        self.puts += 1
        self.values[ClientRequestToken] = msgspec.json.decode(SecretString)
        self.stages[ClientRequestToken] = set(VersionStages)

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        return {"VersionIdsToStages": {one: sorted(all_) for one, all_ in self.stages.items()}}

    def update_secret_version_stage(
        self, *, SecretId: str, VersionStage: str, RemoveFromVersionId: str,
        MoveToVersionId: str | None = None,
    ) -> None:  # fmt: skip
        self.stages[RemoveFromVersionId].remove(VersionStage)
        if MoveToVersionId:
            self.stages[MoveToVersionId].add(VersionStage)


class Server:
    """A database that knows its users' passwords; `set_other_password` as bootstrap.sql has it."""

    def __init__(self) -> None:
        self.passwords = {"order_intake": "first"}
        self.changes = 0

    def connect(self, secret: secrets.Database) -> "Session":
        if self.passwords.get(secret.username) != secret.password:
            raise DatabaseRefused("the database refuses")
        return Session(self, secret)


class Session:
    def __init__(self, server: Server, secret: secrets.Database) -> None:
        self.server, self.secret, self.pgconn = server, secret, self

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass

    def encrypt_password(self, password: bytes, user: bytes, method: bytes) -> bytes:
        assert method == b"scram-sha-256"
        return password  # the fake's verifier

    def execute(self, statement: str, values: list[str] | None = None) -> None:
        if "set_other_password" in statement:
            (verifier,) = values or []
            self.server.changes += 1
            other = rotation.other_user(self.secret.username)
            self.server.passwords[other] = verifier


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> Versions:
    fake = Versions()
    monkeypatch.setattr(aws_clients, "secrets_manager", lambda: fake)
    return fake


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    fake = Server()
    monkeypatch.setattr(database, "connect", fake.connect)
    return fake


def step(name: str, version: str = "v1", arn: str = ARN) -> None:
    event = {"Step": name, "SecretId": arn, "ClientRequestToken": version}
    assert rotate_database_secret.handler(event, context()) == {"step": name}


def test_the_other_user_becomes_current_with_a_new_password(
    versions: Versions, server: Server
) -> None:
    for name in STEPS:
        step(name)

    current = versions.current()
    assert current["username"] == "order_intake_clone"
    assert current["password"] == server.passwords["order_intake_clone"]
    assert len(current["password"]) == 40
    assert current["password"].isalnum()
    # Whoever holds the old secret can go on, and what else the secret says is kept.
    assert server.passwords["order_intake"] == "first"
    assert current | {"username": "", "password": ""} == FIRST | {"username": "", "password": ""}


def test_the_users_take_turns(versions: Versions, server: Server) -> None:
    for version in ("v1", "v2"):
        for name in STEPS:
            step(name, version)

    assert versions.current()["username"] == "order_intake"
    assert versions.current()["password"] != "first"


def test_no_version_is_pending_after_a_rotation(versions: Versions, server: Server) -> None:
    for name in STEPS:
        step(name)

    assert versions.stages["v1"] == {"AWSCURRENT"}


def test_a_last_step_that_was_interrupted_is_finished(versions: Versions, server: Server) -> None:
    for name in STEPS[:-1]:
        step(name)
    versions.stages = {"v0": set(), "v1": {"AWSCURRENT", "AWSPENDING"}}

    step("finishSecret")

    assert versions.stages["v1"] == {"AWSCURRENT"}


def test_trying_the_rotation_out_before_the_first_password_is_set_passes(
    versions: Versions, server: Server
) -> None:
    server.passwords.clear()
    versions.values["trial"], versions.stages["trial"] = dict(FIRST), {"AWSPENDING"}

    step("testSecret", "trial")


def test_every_step_may_be_done_again(versions: Versions, server: Server) -> None:
    for name in STEPS:
        step(name)
        step(name)
    for name in STEPS:
        step(name)

    assert (versions.puts, server.changes) == (1, 1)


def test_until_the_last_step_the_old_secret_is_current(versions: Versions, server: Server) -> None:
    for name in STEPS[:-1]:
        step(name)

    assert versions.current() == FIRST


def test_a_password_that_does_not_work_is_not_finished(versions: Versions, server: Server) -> None:
    step("createSecret")
    step("setSecret")
    server.passwords["order_intake_clone"] = "another"

    with pytest.raises(DatabaseRefused):
        step("testSecret")


def test_a_step_before_the_first_is_refused(versions: Versions, server: Server) -> None:
    with pytest.raises(InvalidInput, match="createSecret comes first"):
        step("setSecret")


def test_a_new_version_that_leads_elsewhere_is_refused(versions: Versions, server: Server) -> None:
    step("createSecret")
    versions.values["v1"]["host"] = "elsewhere.example"

    with pytest.raises(InvalidInput, match="another database"):
        step("setSecret")
    assert server.changes == 0


def test_only_the_databases_secret_is_rotated(versions: Versions, server: Server) -> None:
    with pytest.raises(InvalidInput, match="only the database's secret"):
        step("createSecret", arn="arn:rates")


def test_an_unknown_step_is_refused(versions: Versions) -> None:
    with pytest.raises(InvalidInput):
        step("dropSecret")


def test_a_busy_secrets_manager_passes(versions: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(**_: Any) -> None:
        raise client_error("ThrottlingException")

    monkeypatch.setattr(versions, "get_secret_value", busy)
    with pytest.raises(ServiceBusy):
        step("createSecret")
