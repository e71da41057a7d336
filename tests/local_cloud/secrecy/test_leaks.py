"""The search for leaks reads what a stage has: what is planted there is found."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from operations.deployed import Deployed
from operations.reconciliation.leaks import leaks, texts


@pytest.fixture
def planted(deployed: Deployed) -> Iterator[str]:
    """A text that only this test knows, in a log group of its own."""
    text = uuid.uuid4().hex
    group = f"/aws/lambda/{deployed.stage.prefix}-Planted-{text[:8]}"
    logs = deployed.stage.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    logs.put_log_events(
        logGroupName=group,
        logStreamName="one",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": f"password={text}"}],
    )
    yield text
    logs.delete_log_group(logGroupName=group)


def test_what_a_function_logged_is_searched(deployed: Deployed, planted: str) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)

    [found] = leaks({planted: "planted"}, texts(deployed, {}, [], since))

    assert found.startswith("planted is in: log /aws/lambda/order-intake-local-Planted-")
