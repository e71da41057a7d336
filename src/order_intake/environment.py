"""What each function gets from its environment, as a typed model that is checked on entry.

A function sees only what it needs: the template sets exactly these variables for it. A variable's
name is its field's name in upper case. `none` as the ARN of a secret means that the stage does not
have the thing (the hand-over parameters of the platform are always there and say `none` then).
"""

import os
from typing import Annotated

import msgspec

type Text = Annotated[str, msgspec.Meta(min_length=1)]
type Count = Annotated[int, msgspec.Meta(ge=1)]

NOT_CONFIGURED = "none"


class EnvironmentInvalid(Exception):
    """A variable is missing or has a wrong form: the deployment is wrong, not the call."""


class Settings(msgspec.Struct, frozen=True, rename=str.upper):
    """Base of the models below."""


class IntakeSmallFile(Settings, frozen=True):
    """Settings of the function IntakeSmallFile."""

    uploads_bucket: Text
    ledger_table: Text
    orders_bus: Text
    rates_api_secret_arn: Text
    database_secret_arn: Text
    order_intake_state_machine_arn: Text
    max_file_bytes: Count
    max_attempts: Count = 3


class RegisterFile(Settings, frozen=True):
    """Settings of the function RegisterFile."""

    uploads_bucket: Text
    ledger_table: Text
    max_file_bytes: Count


class FetchExchangeRates(Settings, frozen=True):
    """Settings of the function FetchExchangeRates."""

    ledger_table: Text
    rates_api_secret_arn: Text


class PriceChunk(Settings, frozen=True):
    """Settings of the function PriceChunk."""

    uploads_bucket: Text


class AssessFile(Settings, frozen=True):
    """Settings of the function AssessFile."""

    uploads_bucket: Text


class RequestApproval(Settings, frozen=True):
    """Settings of the function RequestApproval."""

    ledger_table: Text
    orders_bus: Text


class DecideApproval(Settings, frozen=True):
    """Settings of the function DecideApproval."""

    ledger_table: Text


class LoadOrders(Settings, frozen=True):
    """Settings of the function LoadOrders."""

    uploads_bucket: Text
    ledger_table: Text
    database_secret_arn: Text


class CurateFile(Settings, frozen=True):
    """Settings of the function CurateFile."""

    uploads_bucket: Text
    ledger_table: Text


class QuarantineFile(Settings, frozen=True):
    """Settings of the function QuarantineFile."""

    uploads_bucket: Text
    ledger_table: Text


class CloseFile(Settings, frozen=True):
    """Settings of the function CloseFile."""

    ledger_table: Text


class NotifyPartner(Settings, frozen=True):
    """Settings of the function NotifyPartner."""

    partner_webhook_secret_arn: Text
    outcomes_dead_letter_queue_url: Text


class FindUnfinished(Settings, frozen=True):
    """Settings of the function FindUnfinished."""

    ledger_table: Text
    orders_bus: Text


class DailyReconciliation(Settings, frozen=True):
    """Settings of the function DailyReconciliation."""

    uploads_bucket: Text
    ledger_table: Text
    orders_bus: Text
    database_secret_arn: Text


class MigrateDatabase(Settings, frozen=True):
    """Settings of the function MigrateDatabase."""

    database_owner_secret_arn: Text


class RotateDatabaseSecret(Settings, frozen=True):
    """Settings of the function RotateDatabaseSecret."""

    database_secret_arn: Text


def read[S: Settings](model: type[S]) -> S:
    """Give the environment of this process as `model`.

    Raises EnvironmentInvalid, naming the variable, when one is missing, empty or of a wrong type.
    """
    try:
        return msgspec.convert(dict(os.environ), model, strict=False)
    except msgspec.ValidationError as error:
        raise EnvironmentInvalid(
            f"the environment of {model.__name__} is incomplete: {error}; "
            "see the function's variables in template.yaml"
        ) from error
