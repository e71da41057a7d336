"""What the unit tests share: AWS services in memory, no network."""

import pytest

import tests.no_stopwatch  # noqa: F401 - its import is all that is wanted
from order_intake.adapters import aws_clients, secrets
from tests.unit.fakes import FakeCloud


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    """Stand in for every AWS service that the functions call."""
    fake = FakeCloud()
    monkeypatch.setattr(aws_clients, "s3", lambda: fake.s3)
    monkeypatch.setattr(aws_clients, "dynamodb", lambda: fake.dynamodb)
    monkeypatch.setattr(aws_clients, "events", lambda: fake.events)
    monkeypatch.setattr(aws_clients, "step_functions", lambda: fake.step_functions)
    monkeypatch.setattr(aws_clients, "sqs", lambda: fake.sqs)
    monkeypatch.setattr(aws_clients, "secrets_manager", lambda: fake.secrets)
    secrets.forget()
    return fake
