"""Every fixture of every function in a real container, with the local cloud behind it."""

import json
import stat

import boto3
import pytest

from workbench.application.interface import application
from workbench.sam_local import calls, fixtures
from workbench.sam_local.commands.everything import one_of_each
from workbench.sam_local.fixtures import Fixture
from workbench.sam_local.session import Session
from workbench.stages.stage import running_cloud

FIXTURES = fixtures.all_fixtures()
ONE_OF_EACH = one_of_each(FIXTURES)


def ids(chosen: list[Fixture]) -> list[str]:
    return [f"{one.function}-{one.name}" for one in chosen]


@pytest.mark.parametrize("one", FIXTURES, ids=ids(FIXTURES))
def test_in_a_warm_container(session: Session, warm: calls.Warm, one: Fixture) -> None:
    with application().prepared(session.deployed, one) as call:
        answer = warm.invoke(one.function, call.event)

        assert fixtures.differences(call.expect, answer.payload) == [], answer.log


@pytest.mark.parametrize("one", ONE_OF_EACH, ids=ids(ONE_OF_EACH))
def test_through_sam_local_invoke(session: Session, one: Fixture) -> None:
    with application().prepared(session.deployed, one) as call:
        answer = calls.invoke(session, one.function, call.event)

        assert fixtures.differences(call.expect, answer.payload) == [], answer.log


def test_each_function_signs_with_its_own_role(session: Session) -> None:
    file = session.folder / "environments.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for function, environment in json.loads(file.read_text()).items():
        identity = boto3.client(
            "sts", endpoint_url=running_cloud()["endpoint"], region_name=environment["AWS_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=environment["AWS_SESSION_TOKEN"],
        ).get_caller_identity()  # fmt: skip

        assert f":assumed-role/order-intake-local-{function}Role" in identity["Arn"]
