"""One place says which failures of AWS pass by themselves."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from order_intake.adapters import aws_clients
from order_intake.domain.errors import ServiceBusy
from tests.unit.fakes import client_error


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException"),
        client_error("ProvisionedThroughputExceededException"),
        client_error("SlowDown", 503),
        client_error("Whatever", 500),
        client_error("Whatever", 429),
        EndpointConnectionError(endpoint_url="https://s3"),
        ReadTimeoutError(endpoint_url="https://s3"),
    ],
)
def test_throttling_outages_and_lost_connections_pass(error: Exception) -> None:
    with pytest.raises(ServiceBusy, match="s3"), aws_clients.service_calls("s3"):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDenied", 403),
        client_error("NoSuchBucket", 404),
        client_error("ValidationException"),
    ],
)
def test_what_is_ours_goes_up_as_it_is(error: ClientError) -> None:
    with pytest.raises(ClientError) as raised, aws_clients.service_calls("s3"):
        raise error
    assert raised.value is error


def test_clients_wait_and_retry_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws_clients.s3.cache_clear()
    client = aws_clients.s3()
    aws_clients.s3.cache_clear()

    config = client.meta.config
    assert config.connect_timeout + config.read_timeout <= 15  # type: ignore[attr-defined]
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}  # type: ignore[attr-defined]
