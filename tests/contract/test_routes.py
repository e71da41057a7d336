"""Rules, schedule and asynchronous functions: what must stand beside each, stands there."""

import json
from typing import Any

import pytest

from tests.template import functions, resources, template

RULES = resources("AWS::Events::Rule")
SCHEDULES = resources("AWS::Scheduler::Schedule")


def attribute(name: str, of: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [name, of]}


def targets() -> list[tuple[str, dict[str, Any]]]:
    """(rule or schedule, target) for each of them."""
    of_rules = [(name, each) for name in RULES for each in RULES[name]["Properties"]["Targets"]]
    return of_rules + [(name, SCHEDULES[name]["Properties"]["Target"]) for name in SCHEDULES]


def called_functions() -> dict[str, str]:
    """Function → the rule or schedule that calls it, asynchronously."""
    return {
        function: caller
        for caller, target in targets()
        for function in functions()
        if target["Arn"] == attribute(function)
    }


@pytest.mark.parametrize(("caller", "target"), targets(), ids=lambda each: str(each)[:24])
def test_every_target_has_the_dead_letter_queue_of_events(
    caller: str, target: dict[str, Any]
) -> None:
    lost = f"what {caller} cannot deliver does not go to EventsDeadLetterQueue"
    assert target.get("DeadLetterConfig") == {"Arn": attribute("EventsDeadLetterQueue")}, lost


def test_the_dead_letter_queue_takes_from_exactly_the_rules() -> None:
    policy = resources()["EventsDeadLetterQueuePolicy"]["Properties"]["PolicyDocument"]
    (statement,) = policy["Statement"]
    named = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert sorted(map(str, named)) == sorted(str(attribute(rule)) for rule in RULES)


def test_every_rule_may_call_its_function_and_nothing_else_may() -> None:
    permissions = [each["Properties"] for each in resources("AWS::Lambda::Permission").values()]
    given = {(each["FunctionName"]["Ref"], str(each["SourceArn"])) for each in permissions}
    wanted = {
        (function, str(attribute(caller)))
        for function, caller in called_functions().items()
        if caller in RULES
    }
    rotation = ("RotateDatabaseSecret", str({"Ref": "DatabaseSecretArn"}))
    assert given == wanted | {rotation}
    for each in permissions:
        rotates = each["FunctionName"]["Ref"] == "RotateDatabaseSecret"
        caller = "secretsmanager" if rotates else "events"
        assert each["Principal"] == f"{caller}.amazonaws.com"


@pytest.mark.parametrize("name", sorted(called_functions()))
def test_every_asynchronous_function_retries_and_hands_its_failures_over(name: str) -> None:
    invocation = functions()[name]["Properties"]["EventInvokeConfig"]
    assert invocation["MaximumRetryAttempts"] == 2
    failed = invocation["DestinationConfig"]["OnFailure"]
    assert failed == {"Type": "SQS", "Destination": attribute("FunctionsDeadLetterQueue")}
    policies = resources()[f"{name}Role"]["Properties"]["ManagedPolicyArns"]
    assert {"Ref": "SendToFunctionsDeadLetterQueue"} in policies


@pytest.mark.parametrize("kind", ["AWS::SQS::Queue", "AWS::SNS::Topic"])
def test_queues_and_topics_are_encrypted_with_the_data_key(kind: str) -> None:
    for body in resources(kind).values():
        assert body["Properties"]["KmsMasterKeyId"] == {"Ref": "DataKeyArn"}


def test_the_uploads_are_encrypted_versioned_private_and_announced() -> None:
    bucket = resources()["UploadsBucket"]["Properties"]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    by_default = rule["ServerSideEncryptionByDefault"]
    assert by_default == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "DataKeyArn"}}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    announced = bucket["NotificationConfiguration"]["EventBridgeConfiguration"]
    assert announced == {"EventBridgeEnabled": True}


def test_the_direct_route_knows_its_last_attempt() -> None:
    intake = functions()["IntakeSmallFile"]["Properties"]
    attempts = int(intake["Environment"]["Variables"]["MAX_ATTEMPTS"])
    assert attempts == intake["EventInvokeConfig"]["MaximumRetryAttempts"] + 1


@pytest.mark.parametrize(
    ("rule", "sizes"),
    [("SmallFileUploaded", '["<", 65536]'), ("LargeFileUploaded", '[">=", 65536]')],
)
def test_the_two_routes_split_at_the_threshold(rule: str, sizes: str) -> None:
    text = RULES[rule]["Properties"]["EventPattern"]["Fn::Sub"]
    threshold = str(template()["Parameters"]["WorkflowThresholdBytes"]["Default"])
    pattern = json.loads(text.replace("${WorkflowThresholdBytes}", threshold))
    uploaded = pattern["detail"]["object"]
    assert uploaded["size"] == [{"numeric": json.loads(sizes)}]
    assert uploaded["key"] == [{"prefix": "incoming/"}]


def test_parameters_are_careful_by_default() -> None:
    defaults = {name: body.get("Default") for name, body in template()["Parameters"].items()}
    assert defaults["ScheduleState"] == "DISABLED"
    assert defaults["MapMaxConcurrency"] == 5
    assert defaults["OperatorsEmail"] == "none"


def test_the_workflows_log_holds_no_order_data() -> None:
    logging = resources()["OrderIntake"]["Properties"]["Logging"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
