"""Flaws of the template's numbers, words, schedules and scopes: just outside what AWS takes.

The bounds are AWS's, from the page of each type in CloudFormation's and the service's reference.
"""

import re
from collections.abc import Iterable, Iterator

from workbench.mutants.changes import Change, Operator, become, lost, misspelt
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
# Days that logs are not kept for, whatever CloudWatch Logs is told.
NO_RETENTION = ("0", "31")


def number_outside(places: Iterable[Place]) -> Iterator[Change]:
    """A number that AWS refuses."""
    found = list(places)
    types = _types(found)
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
    for place in places:
        if place.path[:1] == ("Parameters",) and place.path[1:2]:
            if place.path[1:] == ("LogRetentionDays", "Default"):
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
    for place in places:
        if "LifecycleConfiguration" not in place.path:
            continue
        if place.key == "Prefix":
            yield from lost(place)
            for new in ("incoming/", "wrok/"):
                yield become(place, new)
        if place.key == "Status":
            yield become(place, "Disabled")
        if place.key in ("ExpirationInDays", "NoncurrentDays", "DaysAfterInitiation"):
            for days in (int(place.source) * 10, max(1, int(place.source) // 10)):
                yield become(place, str(days))
        if place.key in EXPIRING:
            yield from lost(place)


def retention_of_another_length(places: Iterable[Place]) -> Iterator[Change]:
    """Messages or backups that are gone before anybody looks."""
    for place in places:
        if place.key == "MessageRetentionPeriod":
            yield become(place, "60")
        if place.key == "PointInTimeRecoveryEnabled":
            yield become(place, "false")
        if place.path[-2:] == ("LogRetentionDays", "Default"):
            yield become(place, "1")


def topic_policy_with_a_condition(places: Iterable[Place]) -> Iterator[Change]:
    """A condition for EventBridge, which it does not meet; or none for alarms."""
    found = list(places)
    types = _types(found)
    for place in found:
        if types.get(place.path[1] if len(place.path) > 1 else "") != "AWS::SNS::TopicPolicy":
            continue
        if place.path[-2:] == ("Rules", "Action"):
            for key in ("aws:SourceAccount", "aws:SourceArn"):
                condition = f'{{StringLike: {{"{key}": "*"}}}}'
                yield become(place, f"{place.source}\n            Condition: {condition}")
        if place.path[-2:] == ("Alarms", "Condition"):
            yield from lost(place)


def _types(places: Iterable[Place]) -> dict[str, str]:
    """Each resource's type, by its logical id."""
    return {
        place.path[1]: place.source
        for place in places
        if len(place.path) == 3 and place.path[0] == "Resources" and place.key == "Type"
    }


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
