"""The workflow's definition agrees with itself, with the template and with the code."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from order_intake.domain import errors
from order_intake.domain.chunks import LARGEST_CHUNK
from tests.template import definition, functions, resources, template
from workbench.workflow.retry_times import chance_to_give_up

THROTTLED = "Lambda.TooManyRequestsException"
# Writes the last row, unless somebody else has the file: it must not end with the row open.
LAST = "CloseFile"
# Bytes of the shortest good line of nordwind's whose invoice is one of ten million.
SHORTEST_LINE = len("1234567;01.01.2026;K;A;;1;1")
# Errors that AWS gives, by the names its documentation lists.
AWS_ERRORS = re.compile(r"(Lambda|DynamoDB|Sandbox|Runtime|States)\.\w+")


def machines(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The machine itself, and those in its Parallel branches and Map items."""
    yield machine
    for state in machine["States"].values():
        for inner in [*state.get("Branches", []), state.get("ItemProcessor")]:
            if inner:
                yield from machines(inner)


def states() -> dict[str, dict[str, Any]]:
    return {name: state for one in machines(definition()) for name, state in one["States"].items()}


def tasks() -> dict[str, dict[str, Any]]:
    return {name: state for name, state in states().items() if state["Type"] == "Task"}


def called_by(name: str) -> str:
    """The function that a state calls; nothing when it calls a service itself."""
    function = str(tasks()[name]["Arguments"].get("FunctionName", ""))
    return function.removeprefix("${").removesuffix("Arn}")


CALLS = {name for name in tasks() if called_by(name)}


def text_of(value: Any) -> str:
    return str(value)


def test_all_eight_state_types_are_at_work() -> None:
    types = {state["Type"] for state in states().values()}
    assert types == {"Task", "Choice", "Wait", "Parallel", "Map", "Pass", "Succeed", "Fail"}


@pytest.mark.parametrize("machine", list(machines(definition())), ids=lambda one: one["StartAt"])
def test_every_transition_leads_to_a_state_and_every_state_is_reached(
    machine: dict[str, Any],
) -> None:
    reached = {machine["StartAt"]}
    for state in machine["States"].values():
        arrows = [state, *state.get("Choices", []), *state.get("Catch", [])]
        reached |= {arrow["Next"] for arrow in arrows if "Next" in arrow}
        reached |= {state["Default"]} if "Default" in state else set()
    assert reached == set(machine["States"])


def test_substitutions_are_exactly_those_that_the_template_gives() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", text_of(definition())))
    given = resources()["OrderIntake"]["Properties"]["DefinitionSubstitutions"]
    assert used == set(given)
    # Each is what it is called: two that are swapped would call the wrong function.
    named = {name: reference(name) for name in used}
    pseudo = {"LedgerTable": {"Ref": "Ledger"}, "Partition": {"Ref": "AWS::Partition"}}
    assert given == named | pseudo


def test_no_state_names_a_partition() -> None:
    # GovCloud and China have others: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    for name, state in states().items():
        assert "arn:aws:" not in text_of(state), f"{name}: write arn:${{Partition}}: instead"


def reference(name: str) -> dict[str, Any]:
    function = name.removesuffix("Arn")
    return {"Fn::GetAtt": [function, "Arn"]} if function in functions() else {"Ref": name}


def test_workflow_is_a_standard_one() -> None:
    kind = resources()["OrderIntake"]["Properties"]["Type"]
    assert kind == "STANDARD", "Express workflows know neither task tokens nor Distributed Maps"


def test_map_runs_have_a_label_that_aws_takes() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
    label = states()["PriceChunks"]["Label"]
    assert re.fullmatch(r"[\w-]{1,40}", label, re.ASCII), f"AWS refuses the Map's label {label!r}"


def test_outputs_of_the_chunks_of_the_largest_file_fit_into_the_workflows_state() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: 256 KiB of payload
    parameter = template()["Parameters"]["MaxFileBytes"]
    chunks = parameter["MaxValue"] // LARGEST_CHUNK

    output = states()["PriceChunk"]["Output"]
    assert output == {"index": "{% $states.result.Payload.index %}"}, "is it still small? see below"
    assert len(json.dumps([{"index": index} for index in range(chunks)])) < 256 * 1024 / 10
    assert parameter["Default"] <= parameter["MaxValue"] == 1024**3


def test_a_digest_for_each_line_of_the_largest_file_fits_into_the_memory_of_assessfile() -> None:
    lines = template()["Parameters"]["MaxFileBytes"]["MaxValue"] // SHORTEST_LINE
    memory = functions()["AssessFile"]["Properties"]["MemorySize"] * 1024**2
    assert 8 * lines < memory / 3, "measured: what comes with them takes a third as much again"


@pytest.mark.parametrize("name", sorted(tasks()))
def test_every_task_has_a_timeout_longer_than_its_functions(name: str) -> None:
    task = tasks()[name]
    assert "TimeoutSeconds" in task, f"{name} may hang for the whole workflow's time: no timeout"
    if isinstance(task["TimeoutSeconds"], int) and name in CALLS:
        assert task["TimeoutSeconds"] > functions()[called_by(name)]["Properties"]["Timeout"]


def retries(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tasks()[name].get("Retry", [])
    return found


def catches(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = definition()["States"][name].get("Catch", [])
    return found


@pytest.mark.parametrize("name", sorted(tasks()))
def test_every_retry_backs_off_with_a_cap_and_jitter(name: str) -> None:
    assert retries(name), f"{name} is not tried again after an error that passes"
    for retry in retries(name):
        if retry["MaxAttempts"] == 0:
            continue
        assert retry.get("BackoffRate", 2) >= 1.5
        longest, first = retry.get("MaxDelaySeconds", 0), retry.get("IntervalSeconds", 1)
        assert longest >= first, f"{name} may wait ever longer: MaxDelaySeconds"
        drawn = retry.get("JitterStrategy")
        assert drawn == "FULL", f"all files that failed at once try {name} again at once: no jitter"


@pytest.mark.parametrize("name", sorted(set(tasks()) - {"Announce", LAST}))
def test_only_transient_errors_are_retried(name: str) -> None:
    for retry in retries(name):
        for error in retry["ErrorEquals"]:
            if not AWS_ERRORS.fullmatch(error):
                assert issubclass(getattr(errors, error), errors.TransientError)


def test_the_role_may_call_exactly_the_functions_that_the_states_call() -> None:
    role = resources()["OrderIntakeRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    (calls,) = [each for each in role["Statement"] if each["Sid"] == "CallFunctions"]
    allowed = {each["Fn::GetAtt"][0] for each in calls["Resource"]}
    called = set(re.findall(r"\$\{(\w+)Arn\}", text_of(definition()))) - {"DatabaseSecret"}
    assert allowed == called


def test_the_map_tolerates_no_failure_and_is_bounded() -> None:
    pricing = states()["PriceChunks"]
    assert "ToleratedFailureCount" not in pricing
    assert "ToleratedFailurePercentage" not in pricing
    assert pricing["MaxConcurrency"] == "{% ${MapMaxConcurrency} %}"


# Which of our transient errors a function may raise; the direct route's and the webhook's are
# Lambda's own to retry.
TRANSIENT = {
    "RegisterFile": {"ServiceBusy"},
    "FetchExchangeRates": {"RatesUnavailable", "ServiceBusy"},
    "PriceChunk": {"ServiceBusy"},
    "AssessFile": {"ServiceBusy"},
    "RequestApproval": {"ServiceBusy"},
    "LoadOrders": {"DatabaseUnavailable", "ServiceBusy"},
    "CurateFile": {"ServiceBusy"},
    "QuarantineFile": {"ServiceBusy"},
}
# What AWS documents as worth a retry of every call of a function, and an attempt that was killed.
# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
OF_EVERY_CALL = {
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Sandbox.Timedout",
    "Runtime.ExitError",
}


@pytest.mark.parametrize("name", sorted(CALLS - {LAST}))
def test_every_transient_error_of_a_function_is_retried(name: str) -> None:
    failed, throttled = retries(name)
    assert set(failed["ErrorEquals"]) == TRANSIENT[name] | OF_EVERY_CALL
    # A throttled call has not run: it must not use up the attempts of calls that failed.
    assert throttled["ErrorEquals"] == [THROTTLED]
    assert throttled["MaxAttempts"] > failed["MaxAttempts"]


def test_a_chunk_that_ran_out_of_attempts_is_left_to_the_maps_retry() -> None:
    pricing, child = states()["PriceChunks"], states()["PriceChunk"]
    transient, permanent = child["Catch"]
    listed = {error for retry in child["Retry"] for error in retry["ErrorEquals"]}

    assert set(transient["ErrorEquals"]) == listed | {"States.Timeout"}
    assert states()[transient["Next"]]["Type"] == "Fail"
    assert permanent["ErrorEquals"] == ["States.ALL"]
    assert states()[permanent["Next"]]["Type"] == "Succeed", "a permanent error is an answer"
    (retry,) = pricing["Retry"]
    assert "States.ExceedToleratedFailureThreshold" in retry["ErrorEquals"]


# What DynamoDB gives when the same may succeed later, as Step Functions names it.
OF_DYNAMODB = {
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.ThrottlingException",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.SdkClientException",
}
OF_SERVICES = {
    "ReadPartnerTerms": OF_DYNAMODB,
    "Announce": {"States.ALL"},  # the outcome stands: it must get out whatever the error
}


def test_the_last_writer_tries_everything_again_but_what_is_not_its_own() -> None:
    refused, throttled, everything = retries(LAST)
    assert (refused["ErrorEquals"], refused["MaxAttempts"]) == (["ClosedOtherwise"], 0)
    assert throttled["ErrorEquals"] == [THROTTLED]
    assert everything["ErrorEquals"] == ["States.ALL"]
    for retry in (throttled, everything):
        assert chance_to_give_up(retry, 3600) < 1e-6, f"{LAST} does not outlast an hour"
    (caught,) = catches(LAST)
    assert (caught["ErrorEquals"], caught["Next"]) == (["ClosedOtherwise"], "RowOfAnother")


def test_what_comes_after_the_announcement_makes_no_failure_of_it() -> None:
    refused, everything = retries("MarkAnnounced")
    condition = ["DynamoDB.ConditionalCheckFailedException"]
    assert (refused["ErrorEquals"], refused["MaxAttempts"]) == (condition, 0)
    assert everything["ErrorEquals"] == ["States.ALL"]
    (caught,) = catches("MarkAnnounced")
    assert (caught["ErrorEquals"], caught["Next"]) == (["States.ALL"], "Outcome")


@pytest.mark.parametrize("name", sorted(set(tasks()) - CALLS - {"MarkAnnounced"}))
def test_every_passing_error_of_a_service_is_retried_and_no_other(name: str) -> None:
    (retry,) = retries(name)
    assert set(retry["ErrorEquals"]) == OF_SERVICES[name], f"{name} retries other errors"


# Where a file goes whose field is missing, and why nothing is lost or loaded unseen that way.
SAFE = {
    "HowRegistered": "CloseFile",  # as Failed
    "HowPriced": "CloseFile",  # as Failed
    "NeedsApproval": "RequestApproval",  # a person is asked
    "HowDecided": "CloseFile",  # as Declined: nothing is loaded
    "DatabaseReady": "WaitOutQuietHours",  # it reads a setting, nothing of a state's answer
    "HowLoaded": "CloseFile",  # as Failed
    "Outcome": "Failed",
    "RowOfAnother": "ClosedOtherwise",  # the operators hear of it
}


def test_every_choices_default_is_the_safe_way() -> None:
    defaults = {name: s.get("Default") for name, s in states().items() if s["Type"] == "Choice"}
    assert defaults == SAFE, "add a new Choice to SAFE: is its Default right for a missing field?"


def test_silence_is_an_answer_to_a_question_and_not_a_failure() -> None:
    first, *rest = catches("RequestApproval")
    assert (first["ErrorEquals"], first["Next"]) == (["States.Timeout"], "CloseFile")
    assert [each["Next"] for each in rest] == ["DescribeFailure"]


@pytest.mark.parametrize(
    "name", [*sorted(CALLS & set(definition()["States"]) - {LAST}), "GatherTerms", "PriceChunks"]
)
def test_whatever_else_happens_is_recorded_as_a_failure(name: str) -> None:
    assert catches(name), f"an error of {name} ends the execution, and no outcome is written"
    last = catches(name)[-1]
    assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "DescribeFailure")
