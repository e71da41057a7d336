"""Secrets are kept for minutes, read anew once when refused, and shown nowhere."""

import time

import pytest

from order_intake.adapters import secrets
from order_intake.domain.errors import ServiceBusy
from tests.unit.fakes import FakeCloud, client_error

RATES = {"base_url": "https://rates.example", "api_key": "key-1"}


class Refused(Exception):
    """The other side says no."""


@pytest.fixture
def rates(cloud: FakeCloud) -> FakeCloud:
    cloud.secrets.values["arn"] = dict(RATES)
    return cloud


def test_a_secret_is_read_once_in_five_minutes(
    rates: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    for seconds, reads in [(0, 1), (299, 1), (301, 2)]:
        clock[0] = 1000.0 + seconds
        assert secrets.read("arn", secrets.RatesApi).api_key == "key-1"
        assert rates.secrets.reads == reads


def test_a_refused_secret_is_read_anew_once(rates: FakeCloud) -> None:
    secrets.read("arn", secrets.RatesApi)
    rates.secrets.values["arn"]["api_key"] = "key-2"
    seen = []

    def use(secret: secrets.RatesApi) -> str:
        seen.append(secret.api_key)
        if secret.api_key == "key-1":
            raise Refused
        return "done"

    assert secrets.use("arn", secrets.RatesApi, use, refused=Refused) == "done"
    assert seen == ["key-1", "key-2"]


def test_refused_after_that_is_refused(rates: FakeCloud) -> None:
    def use(secret: secrets.RatesApi) -> str:
        raise Refused

    with pytest.raises(Refused):
        secrets.use("arn", secrets.RatesApi, use, refused=Refused)
    assert rates.secrets.reads == 2


@pytest.mark.parametrize("text", ["hunter2", '{"api_key": "hunter2"}', '{"base_url": 7}'])
def test_a_malformed_secret_is_not_quoted(cloud: FakeCloud, text: str) -> None:
    cloud.secrets.values["arn"] = text

    with pytest.raises(secrets.SecretInvalid) as raised:
        secrets.read("arn", secrets.RatesApi)
    assert "hunter2" not in str(raised.value)
    # Once it is put right, it is read right.
    cloud.secrets.values["arn"] = dict(RATES)
    assert secrets.read("arn", secrets.RatesApi).api_key == "key-1"


def test_throttling_passes(cloud: FakeCloud) -> None:
    cloud.fail("get_secret_value", client_error("ThrottlingException"))
    with pytest.raises(ServiceBusy):
        secrets.read("arn", secrets.RatesApi)


def test_secrets_do_not_show_when_they_are_printed() -> None:
    shown = [
        repr(secrets.RatesApi("https://rates.example", "hunter2")),
        repr(secrets.PartnerWebhook("https://hooks.example/hunter2", "hunter2")),
        repr(secrets.Database("postgres", "db", 5432, "orders", "order_intake", "hunter2")),
    ]
    assert "hunter2" not in "".join(shown)
