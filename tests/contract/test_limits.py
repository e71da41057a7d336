"""Numbers and words that AWS takes, where the schemas that cfn-lint reads do not know them.

Those schemas know most of the template's limits; `make lint` reads them. Here are the others, and
those of the workflow's definition, which no linter needs to be installed for.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from order_intake.domain import errors
from tests.template import definition, functions, resources, template
from workbench.stages.stage import ROOT
from workbench.workflow.definition import machines

DAY = 86400
NUMBERS = {n: p for n, p in template()["Parameters"].items() if p["Type"] == "Number"}
# What a setting is for takes no more than this.
SETTINGS = {
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    "WorkflowThresholdBytes": (1, 5_000_000_000),
    "ApprovalTimeoutSeconds": (1, 13 * DAY),  # the workflow's own time is 15 days
    "QuietFromMinute": (0, 1439),
    "QuietToMinute": (0, 1439),
}
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION = {
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
}  # fmt: skip
# https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
PROTOCOLS = {"http", "https", "email", "email-json", "sms", "sqs", "application", "lambda",
             "firehose"}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_setting_has_bounds_and_its_default_is_within_them(name: str) -> None:
    setting = NUMBERS[name]
    if "AllowedValues" in setting:
        one_of = setting["Default"] in setting["AllowedValues"]
        assert one_of, f"{name}: its Default {setting['Default']} is not one of its AllowedValues"
        return
    bounds = setting.get("MinValue"), setting.get("MaxValue")
    assert None not in bounds, f"{name}: give it MinValue and MaxValue, or AllowedValues"
    assert bounds[0] <= setting["Default"] <= bounds[1], f"{name}: its Default is out of bounds"
    least, most = SETTINGS.get(name, bounds)
    assert bounds == (least, most), f"{name}: it may be from {least} to {most}, not {bounds}"


def test_settings_with_a_few_values_say_which() -> None:
    for name, values in (
        ("Architecture", ["arm64", "x86_64"]),
        ("ScheduleState", ["ENABLED", "DISABLED"]),
    ):
        allowed = template()["Parameters"][name].get("AllowedValues")
        assert allowed == values, f"{name}: give it AllowedValues: {values}"
    assert template()["Parameters"]["Stage"].get("AllowedPattern"), "Stage needs its AllowedPattern"


def test_logs_are_kept_for_a_time_that_cloudwatch_has() -> None:
    setting = template()["Parameters"]["LogRetentionDays"]
    allowed = setting.get("AllowedValues")
    assert allowed, "LogRetentionDays: give it AllowedValues: CloudWatch takes certain days only"
    assert set(allowed) <= RETENTION, (
        f"CloudWatch keeps no logs for {set(allowed) - RETENTION} days"
    )
    assert setting["Default"] >= 14, "logs are gone before anybody looks"


@pytest.mark.parametrize("name", functions())
def test_functions_memory_is_what_lambda_has(name: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    memory, timeout = (functions()[name]["Properties"][each] for each in ("MemorySize", "Timeout"))
    assert 128 <= memory <= 10240, f"{name}: Lambda has 128 to 10240 MB, not {memory}"
    assert 1 <= timeout <= 900, f"{name}: a function runs for 1 to 900 s, not {timeout}"


@pytest.mark.parametrize("name", resources("AWS::CloudWatch::Alarm"))
def test_alarm_looks_back_no_longer_than_a_day(name: str) -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    alarm = resources()[name]["Properties"]
    period, times = alarm["Period"], alarm["EvaluationPeriods"]
    assert period in (10, 20, 30) or (period > 0 and period % 60 == 0), f"{name}: no {period} s"
    longest = 7 * DAY if period >= 3600 else DAY
    assert times >= 1, f"{name}: it must look at one period at least"
    assert period * times <= longest, f"{name}: AWS looks back {longest} s at most"


@pytest.mark.parametrize("name", resources("AWS::SQS::Queue"))
def test_queue_keeps_what_nobody_has_read_as_long_as_sqs_can(name: str) -> None:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    queue = resources()[name]["Properties"]
    kept = queue.get("MessageRetentionPeriod")
    assert kept == 14 * DAY, f"{name}: MessageRetentionPeriod must be {14 * DAY}, the longest"
    redrive = queue.get("RedrivePolicy")
    if redrive:
        assert 1 <= redrive["maxReceiveCount"] <= 1000, f"{name}: maxReceiveCount is 1 to 1000"


@pytest.mark.parametrize("name", resources("AWS::Lambda::EventSourceMapping"))
def test_batch_is_one_that_lambda_can_make(name: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
    mapping = resources()[name]["Properties"]
    batch, window = mapping["BatchSize"], mapping.get("MaximumBatchingWindowInSeconds", 0)
    assert 1 <= batch <= 10000, f"{name}: a batch has 1 to 10000 messages"
    assert batch <= 10 or window >= 1, f"{name}: more than 10 messages need a batching window"


def test_rotation_comes_within_the_days_that_secrets_manager_has() -> None:
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html
    for name, body in resources("AWS::SecretsManager::RotationSchedule").items():
        days = body["Properties"]["RotationRules"]["AutomaticallyAfterDays"]
        assert 1 <= days <= 1000, f"{name}: a password is rotated after 1 to 1000 days, not {days}"
        assert days <= 90, f"{name}: a password is {days} days old before it is rotated"


def test_subscription_has_a_protocol_that_sns_has() -> None:
    for name, body in resources("AWS::SNS::Subscription").items():
        protocol = body["Properties"]["Protocol"]
        assert protocol in PROTOCOLS, f"{name}: SNS has no protocol {protocol}"


def test_generated_password_is_long_and_one_that_secrets_manager_makes() -> None:
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
    text = (ROOT / "terraform" / "secrets.tf").read_text(encoding="utf-8")
    found = re.search(r"password_length\s*=\s*(.+?)\s*(#.*)?$", text, re.MULTILINE)
    assert found, "secrets.tf: say how long a generated password is: password_length"
    assert found[1].isdecimal(), f"secrets.tf: password_length {found[1]} is not a number"
    assert 32 <= int(found[1]) <= 4096, f"secrets.tf: a password has 32 to 4096, not {found[1]}"


# ---- The workflow's definition
# https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html, state-task.html,
# state-map-distributed.html and concepts-error-handling.html
LONGEST = 99_999_999
RANGES = {
    "BackoffRate": (1.0, float("inf")),
    "IntervalSeconds": (1, LONGEST),
    "MaxAttempts": (0, LONGEST),
    "MaxDelaySeconds": (1, 31_622_400 - 1),
    "HeartbeatSeconds": (1, LONGEST - 1),
    "TimeoutSeconds": (1, LONGEST),
    "Seconds": (0, LONGEST),
    "MaxConcurrency": (0, 10_000),
    "ToleratedFailurePercentage": (0, 100),
}
WORDS = {
    "ExecutionType": {"EXPRESS", "STANDARD"},
    "InputType": {"CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"},
    "JitterStrategy": {"FULL", "NONE"},
    "Mode": {"DISTRIBUTED", "INLINE"},
    "QueryLanguage": {"JSONata", "JSONPath"},
    "Type": {"Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait"},
}


def fields(value: Any, place: str) -> Iterator[tuple[str, str, Any]]:
    """Every field of the definition: where it is, its name, its value."""
    match value:
        case dict():
            for name, each in value.items():
                yield place, name, each
                if name not in ("Arguments", "ItemSelector", "Payload", "Assign", "Output"):
                    yield from fields(each, f"{place}.{name}" if place else name)
        case list():
            for number, each in enumerate(value):
                yield from fields(each, f"{place}[{number}]")


@pytest.mark.parametrize("field", RANGES)
def test_numbers_of_the_definition_are_within_step_functions_limits(field: str) -> None:
    least, most = RANGES[field]
    for place, name, value in fields(definition(), ""):
        if name == field and isinstance(value, int | float):
            assert least <= value <= most, f"{place}: {field} may be {least} to {most}, not {value}"


@pytest.mark.parametrize("field", WORDS)
def test_words_of_the_definition_are_those_of_step_functions(field: str) -> None:
    for place, name, value in fields(definition(), ""):
        if name == field:
            assert value in WORDS[field], f"{place}: {field} {value} is not one of {WORDS[field]}"


RETRIERS = [
    (f"{name}: {', '.join(retry['ErrorEquals'])}"[:60], retry)
    for one in machines(definition())
    for name, state in one["States"].items()
    for retry in state.get("Retry", [])
]


def may_pass(name: str) -> bool:
    """Whether an error is AWS's, or one of ours that passes by itself."""
    found = getattr(errors, name, errors.PermanentError)
    of_aws = "." in name and name != "DynamoDB.ConditionalCheckFailedException"
    return of_aws or issubclass(found, errors.TransientError)


@pytest.mark.parametrize(
    "retry", [each for _, each in RETRIERS], ids=[name for name, _ in RETRIERS]
)
def test_retrier_tries_for_a_while_and_waits_longer_each_time(retry: dict[str, Any]) -> None:
    names = ", ".join(retry["ErrorEquals"])
    if retry.get("MaxAttempts") == 0:  # what the retriers after it must not try
        transient = [each for each in retry["ErrorEquals"] if may_pass(each)]
        assert not transient, f"{', '.join(transient)} may pass and is never tried again"
        return
    attempts, longest = retry.get("MaxAttempts", 3), retry.get("MaxDelaySeconds", 0)
    assert attempts >= 2, f"{names}: tried {attempts} times only; give it MaxAttempts of 2 or more"
    assert retry.get("BackoffRate", 2) >= 1.5, f"{names}: it does not wait longer each time"
    first = retry.get("IntervalSeconds", 1)
    assert longest > first, f"{names}: MaxDelaySeconds {longest} must be above {first} s, the first"


def test_heartbeats_are_missed_before_the_timeout() -> None:
    for one in machines(definition()):
        for name, state in one["States"].items():
            beat, timeout = state.get("HeartbeatSeconds"), state.get("TimeoutSeconds")
            if isinstance(beat, int) and isinstance(timeout, int):
                assert beat < timeout, f"{name}: HeartbeatSeconds must be below TimeoutSeconds"
