"""Policies and what they allow: as much of IAM's language as this project's policies use."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """Something that somebody does, and why: `way` tells it to a person."""

    who: str  # a role's logical id, or a service such as events.amazonaws.com
    action: str
    resource: str
    way: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Grant:
    """One action on one resource that a statement allows, each as the statement writes it."""

    holder: str  # whose policy it is
    sid: str
    action: str
    resource: str
    condition: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    principals: tuple[str, ...] = ()  # services, in policies of resources

    def covers(self, request: Request) -> bool:
        """Whether it allows a request; whose it is must have been looked at already."""
        return (
            _like(self.action, request.action, ignore_case=True)
            and _like(_filled_in(self.resource, request.context), request.resource)
            and all(
                _holds(operator, key, values, request.context)
                for operator, keys in self.condition.items()
                for key, values in keys.items()
            )
        )

    def __str__(self) -> str:
        return f"{self.holder} ({self.sid}): {self.action} on {self.resource}"


def grants(holder: str, document: Mapping[str, Any]) -> Iterator[Grant]:
    """What the Allow statements of a policy document allow, one by one."""
    for number, statement in enumerate(_listed(document["Statement"]), 1):
        if statement["Effect"] != "Allow":
            continue
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, Mapping) else []
        for action in _listed(statement["Action"]):
            for resource in _listed(statement.get("Resource", "*")):
                yield Grant(
                    holder=holder,
                    sid=str(statement.get("Sid", number)),
                    action=action,
                    resource=resource,
                    condition=statement.get("Condition", {}),
                    principals=tuple(_listed(services)),
                )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _like(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether `text` is of the pattern, in which `*` and `?` stand for any characters."""
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return bool(re.fullmatch("".join(parts), text, re.IGNORECASE if ignore_case else 0))


def _filled_in(resource: str, context: Mapping[str, str]) -> str:
    """A resource with its policy variables, such as `${aws:PrincipalTag/partner}`, filled in."""
    return re.sub(r"\$\{([^}]+)\}", lambda found: context.get(found[1], "\0"), resource)


def _holds(operator: str, key: str, values: Any, context: Mapping[str, str]) -> bool:
    """Whether one condition holds; one that asks for what a request lacks does not."""
    found = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if found is None:
        return False
    if operator in ("StringEquals", "Bool"):
        return found in _listed(values)
    if operator in ("StringLike", "ArnLike", "ArnEquals"):  # the last two are one to IAM
        return any(_like(value, found) for value in _listed(values))
    raise ValueError(f"a policy has the condition {operator}, which this check does not know")
