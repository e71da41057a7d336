"""The one place that says which failures are worth another try.

A class's name is the workflow's error name: `statemachine/order_intake.asl.yaml` retries and
catches by it, and Lambda reports it as the error type of a failed call. What is wrong with a
partner's file is no error: it is a result with a reason code.
"""

# The names are read by people who follow an execution: they say what happened, without `Error`.


class TransientError(Exception):
    """Ours and passing: the same call may succeed in a while. Retried with backoff."""


class PermanentError(Exception):
    """Ours and lasting: trying again cannot help until somebody has changed something."""


class RatesUnavailable(TransientError):
    """The rates API is down, too slow, or answers nonsense."""


class DatabaseUnavailable(TransientError):
    """The orders database cannot be reached, or drops the connection."""


class WebhookUnavailable(TransientError):
    """The partner's webhook is down, too slow, or answers with a server error."""


class ServiceBusy(TransientError):
    """An AWS service throttles or fails, after botocore's own retries."""


class RatesRefused(PermanentError):
    """The rates API refuses our key, even after the secret was read anew."""


class DatabaseRefused(PermanentError):
    """The database refuses our credentials, even after a new read, or lacks our tables."""


class InvalidInput(PermanentError):
    """An event, a payload or a setting does not say what this code can read."""
