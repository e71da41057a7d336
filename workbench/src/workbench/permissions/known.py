"""What the checks of permissions know: types of resources, and properties that were thought of.

A property may need rights (a key, a role, a destination, a network), or give some. Those here need
none, or ways.py and function_ways.py say what they need. All else is refused, not passed.
"""

from collections.abc import Mapping
from typing import Any

from workbench.permissions.template import Template
from workbench.stages.errors import UserError

EVERYWHERE = {"Tags", "Description", "Name"}
KNOWN: dict[str, set[str]] = {
    "AWS::CloudWatch::Alarm": {
        "AlarmActions", "AlarmDescription", "AlarmName", "ComparisonOperator", "Dimensions",
        "DatapointsToAlarm", "EvaluationPeriods", "InsufficientDataActions", "MetricName",
        "Namespace", "OKActions", "Period", "Statistic", "Threshold", "TreatMissingData",
        "ExtendedStatistic", "Unit", "ActionsEnabled", "Metrics",
    },
    "AWS::CloudWatch::Dashboard": {"DashboardBody", "DashboardName"},
    "AWS::DynamoDB::Table": {
        "AttributeDefinitions", "BillingMode", "ContributorInsightsSpecification",
        "DeletionProtectionEnabled", "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes",
        "OnDemandThroughput", "PointInTimeRecoverySpecification", "ProvisionedThroughput",
        "SSESpecification", "StreamSpecification", "TableClass", "TableName",
        "TimeToLiveSpecification", "WarmThroughput",
    },
    "AWS::Events::Rule": {
        "EventBusName", "EventPattern", "ScheduleExpression", "State", "Targets",
    },
    "AWS::IAM::ManagedPolicy": {"ManagedPolicyName", "PolicyDocument"},
    "AWS::IAM::Role": {"AssumeRolePolicyDocument", "ManagedPolicyArns", "Policies", "RoleName",
                       "MaxSessionDuration"},
    "AWS::Lambda::EventInvokeConfig": {
        "DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts",
        "Qualifier",
    },
    "AWS::Lambda::EventSourceMapping": {
        "BatchSize", "BisectBatchOnFunctionError", "DestinationConfig", "Enabled", "EventSourceArn",
        "FilterCriteria", "FunctionName", "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts",
        "ParallelizationFactor", "ScalingConfig", "StartingPosition", "TumblingWindowInSeconds",
    },
    "AWS::Lambda::Function": {
        "Architectures", "Code", "DeadLetterConfig", "Environment", "EphemeralStorage",
        "FunctionName", "Handler", "KmsKeyArn", "LoggingConfig", "MemorySize", "PackageType",
        "RecursiveLoop", "ReservedConcurrentExecutions", "Role", "Runtime",
        "RuntimeManagementConfig", "SnapStart", "Timeout", "TracingConfig", "VpcConfig",
    },
    "AWS::Lambda::Permission": {
        "Action", "FunctionName", "Principal", "SourceAccount", "SourceArn",
    },
    "AWS::Logs::LogGroup": {"KmsKeyId", "LogGroupClass", "LogGroupName", "RetentionInDays"},
    "AWS::S3::Bucket": {
        "BucketEncryption", "BucketName", "LifecycleConfiguration", "NotificationConfiguration",
        "OwnershipControls", "PublicAccessBlockConfiguration", "VersioningConfiguration",
    },
    "AWS::S3::BucketPolicy": {"Bucket", "PolicyDocument"},
    "AWS::SNS::Subscription": {
        "Endpoint", "FilterPolicy", "FilterPolicyScope", "Protocol", "TopicArn",
    },
    "AWS::SNS::Topic": {"DisplayName", "KmsMasterKeyId", "TopicName"},
    "AWS::SNS::TopicPolicy": {"PolicyDocument", "Topics"},
    "AWS::SQS::Queue": {
        "DelaySeconds", "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize",
        "MessageRetentionPeriod", "QueueName", "ReceiveMessageWaitTimeSeconds",
        "RedriveAllowPolicy", "RedrivePolicy", "VisibilityTimeout",
    },
    "AWS::SQS::QueuePolicy": {"PolicyDocument", "Queues"},
    "AWS::Scheduler::Schedule": {
        "EndDate", "FlexibleTimeWindow", "ScheduleExpression", "ScheduleExpressionTimezone",
        "StartDate", "State", "Target",
    },
    "AWS::SecretsManager::RotationSchedule": {
        "RotateImmediatelyOnUpdate", "RotationLambdaARN", "RotationRules", "SecretId",
    },
    "AWS::StepFunctions::StateMachine": {
        "Definition", "DefinitionSubstitutions", "LoggingConfiguration", "RoleArn",
        "StateMachineName", "StateMachineType", "TracingConfiguration",
    },
}  # fmt: skip
# Inside a property: what of it is known.
WITHIN: dict[tuple[str, str], set[str]] = {
    ("AWS::S3::Bucket", "NotificationConfiguration"): {"EventBridgeConfiguration"},
    ("AWS::Lambda::Function", "LoggingConfig"): {
        "ApplicationLogLevel", "LogFormat", "LogGroup", "SystemLogLevel",
    },
    ("AWS::Scheduler::Schedule", "Target"): {
        "Arn", "DeadLetterConfig", "Input", "RetryPolicy", "RoleArn",
    },
}  # fmt: skip
# What a subscription of another kind needs is in its target's policies, which nobody reads for it.
PROTOCOLS = ("email", "email-json", "http", "https", "sms")
# Terraform's
PLANNED = {
    "aws_cloudwatch_event_archive", "aws_cloudwatch_event_bus", "aws_kms_alias", "aws_kms_key",
    "aws_secretsmanager_secret", "aws_secretsmanager_secret_version", "aws_sqs_queue",
    "aws_ssm_parameter",
}  # fmt: skip
HERE = "if it needs rights, say which in workbench/permissions/ways.py; then add it to known.py"


def check(template: Template) -> None:
    """Raise UserError for the first thing in the template that these checks know nothing of."""
    for name, body in template.resources.items():
        kind = body["Type"]
        if kind not in KNOWN:
            raise UserError(
                f"{name}: what a resource of type {kind} needs is not known here; {HERE}"
            )
        for place, value in body["Properties"].items():
            if place not in KNOWN[kind] | EVERYWHERE:
                raise UserError(f"{name} ({kind}): what {place} needs is not known here; {HERE}")
            within = WITHIN.get((kind, place))
            unknown = sorted(set(value) - within) if within and isinstance(value, Mapping) else []
            if unknown:
                what = f"{place}.{unknown[0]}"
                raise UserError(f"{name} ({kind}): what {what} needs is not known here; {HERE}")
        _subscription(name, kind, body["Properties"])


def _subscription(name: str, kind: str, properties: Mapping[str, Any]) -> None:
    protocol = properties.get("Protocol")
    if kind == "AWS::SNS::Subscription" and protocol not in PROTOCOLS:
        raise UserError(
            f"{name}: what a subscription by {protocol} needs is not known here; {HERE}"
        )


def check_planned(addresses: Mapping[str, Any]) -> None:
    """Raise UserError for the first of Terraform's resources that these checks do not know."""
    for address in sorted(addresses):
        kind = address.partition(".")[0]
        if kind not in PLANNED:
            raise UserError(f"{address}: what a resource of type {kind} needs is not known; {HERE}")
