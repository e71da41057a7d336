"""Flaws of the template's IAM policies."""

import re
from collections.abc import Iterable, Iterator

from workbench.mutants.changes import Change, Operator, become, lost
from workbench.mutants.operators import names
from workbench.mutants.operators.on_template import in_policy
from workbench.mutants.places import Place

FOLDER = re.compile(r"/[\w-]+/\*")
ACTION = re.compile(r"[a-z0-9-]+:[A-Z]\w+")


def statement_lost(places: Iterable[Place]) -> Iterator[Change]:
    """A permission, or a prohibition, is gone."""
    for place in _policies(places):
        if place.path[-2:-1] == ("Statement",):
            yield from lost(place)


def action_lost(places: Iterable[Place]) -> Iterator[Change]:
    """One of several permissions of a statement is gone."""
    for place in _policies(places):
        if place.path[-2:-1] == ("Action",):
            yield from lost(place)


def managed_policy_lost(places: Iterable[Place]) -> Iterator[Change]:
    """A role does not get a policy that several share."""
    for place in places:
        if place.path[-2:-1] == ("ManagedPolicyArns",):
            yield from lost(place)


def every_action(places: Iterable[Place]) -> Iterator[Change]:
    """All actions of the service instead of the one that is needed."""
    for place in _policies(places):
        if "Action" in place.path[-2:] and ACTION.fullmatch(place.source):
            yield become(place, f'"{place.source.partition(":")[0]}:*"')


def every_resource(places: Iterable[Place]) -> Iterator[Change]:
    """Everything of the account instead of the one thing."""
    for place in _policies(places):
        if place.key == "Resource" and place.source not in ('"*"', "'*'"):
            yield become(place, '"*"')


def neighbours_door(places: Iterable[Place]) -> Iterator[Change]:
    """Another prefix of the bucket."""
    for place in _policies(places):
        if "Resource" in place.path and "\n" not in place.source and FOLDER.search(place.source):
            yield become(place, FOLDER.sub("/*", place.source))


def swapped_key(places: Iterable[Place]) -> Iterator[Change]:
    """The other key may be used, and the needed one not."""
    found = list(places)
    keys = names.swapped_keys(found)
    for place in _policies(found):
        if place.source in keys:
            yield become(place, keys[place.source])


def condition_lost(places: Iterable[Place]) -> Iterator[Change]:
    """A permission holds in all circumstances."""
    for place in _policies(places):
        if place.key == "Condition":
            yield from lost(place)


def any_principal(places: Iterable[Place]) -> Iterator[Change]:
    """Anybody instead of one service."""
    for place in _policies(places):
        if place.key == "Principal" and place.source != '"*"':
            yield become(place, '"*"')


def another_principal(places: Iterable[Place]) -> Iterator[Change]:
    """Another service than the one that must."""
    for place in _policies(places):
        if place.path[-2:] == ("Principal", "Service"):
            yield become(place, "glue.amazonaws.com")


def allow_for_deny(places: Iterable[Place]) -> Iterator[Change]:
    """A prohibition becomes a permission."""
    for place in _policies(places):
        if place.key == "Effect" and place.source == "Deny":
            yield become(place, "Allow")


def _policies(places: Iterable[Place]) -> Iterator[Place]:
    return (place for place in places if in_policy(place))


OPERATORS: dict[str, Operator] = {
    "a dropped statement": statement_lost,
    "a dropped action": action_lost,
    "a dropped managed policy": managed_policy_lost,
    "a wildcard action": every_action,
    "a wildcard resource": every_resource,
    "a whole bucket for a prefix": neighbours_door,
    "a swapped key": swapped_key,
    "a dropped condition": condition_lost,
    "any principal": any_principal,
    "another principal": another_principal,
    "a Deny become Allow": allow_for_deny,
}
