"""Flaws of the template's numbers, words, schedules and scopes: just outside what AWS takes.

The bounds are AWS's, from the page of each type in CloudFormation's and the service's reference.
"""

import re
from collections.abc import Iterable, Iterator

from workbench.mutants.changes import Change, Operator, become, lost, misspelt
from workbench.mutants.operators import names
from workbench.mutants.places import Place

# The resource's type and the property: a value just below and just above what AWS takes.
OUTSIDE = {
    ("AWS::CloudWatch::Alarm", "Period"): ("61", "604860"),
    ("AWS::CloudWatch::Alarm", "EvaluationPeriods"): ("0", "1441"),
    ("AWS::Events::Rule", "MaximumRetryAttempts"): ("-1", "186"),
    ("AWS::Events::Rule", "MaximumEventAgeInSeconds"): ("59", "86401"),
    ("AWS::Lambda::EventSourceMapping", "BatchSize"): ("0", "10001"),
    ("AWS::Lambda::EventSourceMapping", "MaximumConcurrency"): ("1", "1001"),
    ("AWS::S3::Bucket", "DaysAfterInitiation"): ("0",),
    ("AWS::S3::Bucket", "ExpirationInDays"): ("0",),
    ("AWS::S3::Bucket", "NoncurrentDays"): ("0",),
    ("AWS::SQS::Queue", "MessageRetentionPeriod"): ("59", "1209601"),
    ("AWS::SQS::Queue", "VisibilityTimeout"): ("-1", "43201"),
    ("AWS::SQS::Queue", "maxReceiveCount"): ("0", "1001"),
    ("AWS::Scheduler::Schedule", "MaximumRetryAttempts"): ("-1", "186"),
    ("AWS::Scheduler::Schedule", "MaximumEventAgeInSeconds"): ("59", "86401"),
    ("AWS::SecretsManager::RotationSchedule", "AutomaticallyAfterDays"): ("0", "1001"),
    ("AWS::Serverless::Function", "MaximumEventAgeInSeconds"): ("59", "21601"),
    ("AWS::Serverless::Function", "MaximumRetryAttempts"): ("-1", "3"),
    ("AWS::Serverless::Function", "MemorySize"): ("127", "10241"),
    ("AWS::Serverless::Function", "Timeout"): ("0", "901"),
}
# Properties whose values AWS lists.
LISTED = (
    "AttributeType", "BillingMode", "ComparisonOperator", "FunctionResponseTypes", "KeyType",
    "Level", "LogFormat", "Mode", "ObjectOwnership", "Protocol", "SSEAlgorithm", "SSEType",
    "Statistic", "Status", "Tracing", "TreatMissingData", "Type", "Runtime",
)  # fmt: skip
EXPIRING = (
    "AbortIncompleteMultipartUpload", "ExpirationInDays", "ExpiredObjectDeleteMarker",
    "NoncurrentVersionExpiration",
)  # fmt: skip
# Days that logs are not kept for, whatever CloudWatch Logs is given.
NO_RETENTION = ("0", "31")


def number_outside(places: Iterable[Place]) -> Iterator[Change]:
    """A number that AWS refuses."""
    found = list(places)
    types = names.types(found)
    for place in found:
        if place.path[:1] == ("Resources",) and re.fullmatch(r"-?\d+", place.source):
            for new in OUTSIDE.get((types.get(place.path[1], ""), place.key), ()):
                yield become(place, new)


def word_outside(places: Iterable[Place]) -> Iterator[Change]:
    """A word that AWS does not know there."""
    for place in places:
        in_list = place.path[-2:-1] == ("FunctionResponseTypes",)
        named = place.key in LISTED and place.path[2:3] == ("Properties",)
        if (named or in_list) and re.fullmatch(r'"?[\w.:]+"?', place.source):
            bare = place.source.strip('"')
            yield become(place, place.source.replace(bare, misspelt(bare)))


def setting_outside(places: Iterable[Place]) -> Iterator[Change]:
    """A parameter's default that what it is for does not take, or a bound of it that is gone."""
    found = list(places)
    logs = _days_of_logs(found)
    for place in found:
        if place.path[:1] == ("Parameters",) and place.path[1:2]:
            if place.path[1] in logs and place.path[2:] == ("Default",):
                for new in NO_RETENTION:
                    yield become(place, new)
            if place.key in ("MinValue", "MaxValue", "AllowedValues"):
                yield from lost(place)


def schedule_that_is_refused(places: Iterable[Place]) -> Iterator[Change]:
    """An hour, a pair of days or a unit that there is not."""
    for place in places:
        if place.key == "ScheduleExpression" and place.source.startswith("cron("):
            fields = place.source.removeprefix("cron(").removesuffix(")").split()
            for at, new in ((0, "60"), (1, "24"), (4, "*"), (4, "8")):
                other = [new if each == at else old for each, old in enumerate(fields)]
                yield become(place, f"cron({' '.join(other)})")
            yield become(place, f"cron({' '.join(fields[:-1])})")
            yield become(place, "rate(1 days)")
            yield become(place, "at(2026-02-30T04:15:00)")


def schedule_that_never_comes(places: Iterable[Place]) -> Iterator[Change]:
    """A day that no year has, or a year that is over."""
    for place in places:
        if place.key == "ScheduleExpression" and place.source.startswith("cron("):
            minute, hour = place.source.removeprefix("cron(").split()[:2]
            yield become(place, f"cron({minute} {hour} 31 2 ? *)")
            yield become(place, f"cron({minute} {hour} * * ? 2020)")


def zone_that_is_not_there(places: Iterable[Place]) -> Iterator[Change]:
    """A time zone that has no such name, or not the one that the day is counted in."""
    for place in places:
        if place.key == "ScheduleExpressionTimezone":
            for new in ("UTC+1", "Europe/Berln", "Europe/Berlin"):
                yield become(place, new)


def scope_of_a_lifecycle(places: Iterable[Place]) -> Iterator[Change]:
    """A rule that deletes what it must not, or leaves what it must delete."""
    found = list(places)
    folders = names.folders(found[0].source) if found else []
    for place in found:
        if "LifecycleConfiguration" not in place.path:
            continue
        if place.key == "Prefix":
            yield from lost(place)
            own = place.source.strip("/")
            for new in (*[folder for folder in folders if folder != own][:1], misspelt(own)):
                yield become(place, f"{new}/")
        if place.key == "Status":
            yield become(place, "Disabled")
        if place.key in ("ExpirationInDays", "NoncurrentDays", "DaysAfterInitiation"):
            for days in (int(place.source) * 10, max(1, int(place.source) // 10)):
                yield become(place, str(days))
        if place.key in EXPIRING:
            yield from lost(place)


def retention_of_another_length(places: Iterable[Place]) -> Iterator[Change]:
    """Messages or backups that are gone before anybody looks."""
    found = list(places)
    logs = _days_of_logs(found)
    for place in found:
        if place.key == "MessageRetentionPeriod":
            yield become(place, "60")
        if place.key == "PointInTimeRecoveryEnabled":
            yield become(place, "false")
        if place.path[-1:] == ("Default",) and place.path[-2] in logs:
            yield become(place, "1")


def topic_policy_with_a_condition(places: Iterable[Place]) -> Iterator[Change]:
    """A condition for EventBridge, which it does not meet; or none for alarms."""
    found = list(places)
    rules = list(_allowed(found, "events.amazonaws.com"))
    alarms = list(_allowed(found, "cloudwatch.amazonaws.com"))
    for place in found:
        if place.key == "Action" and place.path[:-1] in rules:
            for key in ("aws:SourceAccount", "aws:SourceArn"):
                condition = f'{{StringLike: {{"{key}": "*"}}}}'
                yield become(place, f"{place.source}\n            Condition: {condition}")
        if place.key == "Condition" and place.path[:-1] in alarms:
            yield from lost(place)


def _days_of_logs(places: Iterable[Place]) -> list[str]:
    """The parameters that say for how many days logs are kept."""
    kept = (place.source for place in places if place.key == "RetentionInDays")
    return [source.removeprefix(names.REF) for source in kept if source.startswith(names.REF)]


def _allowed(places: list[Place], service: str) -> Iterator[tuple[str, ...]]:
    """The statements of topics' policies for a service."""
    types = names.types(places)
    for place in places:
        named = place.path[-2:] == ("Principal", "Service") and place.source == service
        if named and types.get(place.path[1]) == "AWS::SNS::TopicPolicy":
            yield place.path[:-2]


OPERATORS: dict[str, Operator] = {
    "a number that AWS refuses": number_outside,
    "a word that AWS does not know": word_outside,
    "a setting out of bounds": setting_outside,
    "a schedule that AWS refuses": schedule_that_is_refused,
    "a schedule that never comes": schedule_that_never_comes,
    "another time zone": zone_that_is_not_there,
    "another scope of a lifecycle": scope_of_a_lifecycle,
    "another retention": retention_of_another_length,
    "another condition in a topic's policy": topic_policy_with_a_condition,
}
