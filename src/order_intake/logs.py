"""Structured logs and metrics, the same for every function.

Each line is one JSON object with the function's name, its request id and, once the handler has
called `about`, the file's id and its correlation id: one file's way through all functions is one
query. `execution` names the workflow's execution, where there is one. No line carries order
data, tokens or secrets; events are never logged. Metrics are written into the log in CloudWatch's
embedded format: no call, no permission.
"""

import functools
import os
from collections.abc import Callable

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from order_intake.domain.errors import PermanentError, TransientError

type Json = dict[str, object]
type Handler = Callable[[object, LambdaContext], Json]

__all__ = ["MetricUnit", "about", "count", "count_by", "entry", "forget", "logger"]

logger = Logger(log_uncaught_exceptions=False)
metrics = Metrics()
# Stages may share an account, and a namespace with it.
DIMENSIONS = {"stage": os.environ.get("STAGE", "unknown")}
metrics.set_default_dimensions(**DIMENSIONS)


def about(**keys: str | int | None) -> None:
    """Put `keys` (file_id, correlation_id, execution …) into each further line of this call."""
    logger.append_keys(**{name: value for name, value in keys.items() if value is not None})


def forget(*keys: str) -> None:
    """Leave `keys` out of the further lines of this call: the next message has its own."""
    logger.remove_keys(keys)


def count(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add a metric of this call; its dimensions are `service` and `stage`."""
    metrics.add_metric(name=name, unit=unit, value=value)


def count_by(name: str, dimension: str, values: dict[str, int]) -> None:
    """Write one metric with a dimension of its own, a value for each of the dimension's names."""
    for key, value in values.items():
        with single_metric(
            name=name, unit=MetricUnit.Count, value=value, default_dimensions=DIMENSIONS
        ) as metric:
            metric.add_dimension(name=dimension, value=key)


def entry(handler: Handler) -> Handler:
    """Wrap a handler: fresh log keys for each call, one line on failure, metrics at the end.

    The exception goes up unchanged: its class is the error's name for the workflow and for Lambda's
    own retries. Our own errors are logged as one line with their message; any other one with its
    stack, for it is a bug or a wrong deployment.
    """

    @functools.wraps(handler)
    def run(event: object, context: LambdaContext) -> Json:
        try:
            return handler(event, context)
        except (TransientError, PermanentError) as error:
            logger.warning("failed", error=type(error).__name__, explanation=str(error))
            raise
        except Exception as error:
            logger.exception("failed", error=type(error).__name__)
            raise
        finally:
            if metrics.metric_set:
                metrics.flush_metrics()

    return logger.inject_lambda_context(run, clear_state=True)
