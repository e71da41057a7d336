"""The AWS clients of a process, and the one place where an AWS failure is checked.

Clients are made once per process, on first use (a warm function keeps its connections). They wait
for bounded times and retry by themselves a few times; what fails after that is either passing
(throttling, a 5xx, no connection: ServiceBusy, and whoever called us tries again later) or ours
(a missing permission, a wrong name: the ClientError goes up as it is).
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError

from order_intake.domain.errors import ServiceBusy

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

CONFIG = Config(
    connect_timeout=2,  # seconds; all tries together stay well below the functions' timeouts
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=10,
)

# Codes of throttling and of passing faults that come with a 4xx status: botocore's own list of what
# its standard mode retries, and DynamoDB's.
PASSING_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)


@functools.cache
def s3() -> "S3Client":
    """Give this process's S3 client."""
    return boto3.client("s3", config=CONFIG)


@functools.cache
def dynamodb() -> "DynamoDBClient":
    """Give this process's DynamoDB client."""
    return boto3.client("dynamodb", config=CONFIG)


@functools.cache
def events() -> "EventBridgeClient":
    """Give this process's EventBridge client."""
    return boto3.client("events", config=CONFIG)


@functools.cache
def sqs() -> "SQSClient":
    """Give this process's SQS client."""
    return boto3.client("sqs", config=CONFIG)


@functools.cache
def step_functions() -> "SFNClient":
    """Give this process's Step Functions client."""
    return boto3.client("stepfunctions", config=CONFIG)


@functools.cache
def secrets_manager() -> "SecretsManagerClient":
    """Give this process's Secrets Manager client."""
    return boto3.client("secretsmanager", config=CONFIG)


def code_of(error: ClientError) -> str:
    """Give the error code of an AWS answer, such as `ConditionalCheckFailedException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_passing(error: ClientError) -> bool:
    """Tell whether the same call may succeed later: throttling, or a fault on AWS's side."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or status == 429 or code_of(error) in PASSING_CODES


@contextmanager
def service_calls(service: str) -> Iterator[None]:
    """Run the calls to one AWS service inside this block.

    Raises ServiceBusy for what passes, after botocore's own retries; all else goes up unchanged.
    The message names the service, the operation and the code, never a value that was sent.
    """
    try:
        yield
    except ClientError as error:
        if not is_passing(error):
            raise
        raise ServiceBusy(f"{service}: {error.operation_name}: {code_of(error)}") from error
    except (ConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise ServiceBusy(f"{service}: {type(error).__name__}") from error
