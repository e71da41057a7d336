"""AWS's own policies, which SAM attaches to the roles that it makes for functions.

They allow their actions on every resource, and a project cannot change them. So they count as
granted, and are not compared with what is used: whoever wants less gives the function a role.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html (November 2026)
"""

from workbench.permissions.policies import Grant
from workbench.stages.errors import UserError

START = "arn:aws:iam::aws:policy/"
_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_STREAM = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
_TRACES = (
    "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules",
    "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries",
)  # fmt: skip
_ALLOWED = {
    "service-role/AWSLambdaBasicExecutionRole": _LOGS,
    "service-role/AWSLambdaSQSQueueExecutionRole": _LOGS + _QUEUE,
    "service-role/AWSLambdaDynamoDBExecutionRole": (
        *_LOGS, *(f"dynamodb:{each}" for each in _STREAM)
    ),
    "AWSXRayDaemonWriteAccess": _TRACES,
    "AWSXrayWriteOnlyAccess": _TRACES,
}  # fmt: skip


def grants(holder: str, arn: str) -> list[Grant]:
    """Return what a policy of AWS's allows a role; UserError for one that is not known here."""
    name = arn.removeprefix(START)
    if name not in _ALLOWED:
        raise UserError(
            f"{holder} has {arn}, which is not known here; write out in a policy of the template "
            "what it allows"
        )
    last = name.rpartition("/")[2]
    return [Grant(holder, last, action, "*", is_of_aws=True) for action in _ALLOWED[name]]
