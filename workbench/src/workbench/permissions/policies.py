"""Policies and what they allow: as much of IAM's language as this project's policies use."""

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.stages.errors import UserError

type Condition = Mapping[str, Mapping[str, Any]]

EQUAL, LIKE = ("StringEquals", "Bool"), ("StringLike", "ArnLike", "ArnEquals")
UNLIKE = ("StringNotEquals", "Null")  # in denials
ENCRYPTED = {"aws:SecureTransport": "true"}  # every request, unless it says otherwise


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
    """One action on one resource that a statement allows to one principal, each as it is written.

    Of the values that a condition lists it has one: each has a grant of its own.
    """

    holder: str  # whose policy it is
    sid: str
    action: str
    resource: str
    condition: Condition = field(default_factory=dict, hash=False)
    principal: str = ""  # a service or an account, in policies of resources
    choice: str = ""  # which of the listed values it has
    is_of_aws: bool = False  # in a policy that AWS or SAM wrote: no project can change it

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands: the holder, and the statement with the action."""
        return self.holder, f"{self.sid} {self.action}"

    def allows(self, request: Request) -> bool:
        """Whether it allows a request. A role's own policies name no principal."""
        outside = "." in request.who or ":" in request.who  # a service or an account
        return (
            self.principal == (request.who if outside else "")
            and _like(self.action, request.action, ignore_case=True)
            and _like(_filled_in(self.resource, request.context), request.resource)
            and all(
                _holds(operator, key, value, request.context)
                for operator, keys in self.condition.items()
                for key, value in keys.items()
            )
        )

    def __str__(self) -> str:
        whom = f" to {self.principal}" if self.principal else ""
        choice = f" for {self.choice}" if self.choice else ""
        return f"{self.holder} ({self.sid}): {self.action} on {self.resource}{whom}{choice}"


@dataclass(frozen=True)
class Denial:
    """A Deny statement of a resource's policy, for everybody: it wins over every grant."""

    holder: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Condition = field(default_factory=dict, hash=False)

    def denies(self, request: Request) -> bool:
        """Whether it denies a request. A condition's tests must hold all, and of the values of one
        test a single one; where the test is negated, none may be equal, and a key that a request
        lacks differs.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
        """
        context = {
            name.lower(): value for name, value in ({**ENCRYPTED, **request.context}).items()
        }
        return (
            any(_like(each, request.action, ignore_case=True) for each in self.actions)
            and any(_like(each, request.resource) for each in self.resources)
            and all(
                _met(operator, _listed(value), context.get(key.lower()))
                for operator, keys in self.condition.items()
                for key, value in keys.items()
            )
        )

    def __str__(self) -> str:
        return f"{self.holder} ({self.sid})"


def denials(holder: str, document: Mapping[str, Any]) -> Iterator[Denial]:
    """What a resource's policy denies; UserError for what is not known here."""
    for sid, statement in _statements(document):
        if statement["Effect"] != "Deny":
            continue
        _all_is_known(holder, sid, statement, EQUAL + UNLIKE)
        if statement.get("Principal") != "*":
            raise UserError(f"{holder} ({sid}): a denial for some is not checked; deny it to *")
        actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
        condition = statement.get("Condition", {})
        yield Denial(holder, sid, tuple(actions), tuple(resources), condition)


def _met(operator: str, wanted: list[Any], found: str | None) -> bool:
    """Whether one test of a denial's condition holds."""
    match operator:
        case "Null":
            return str(found is None).lower() in wanted
        case "StringNotEquals":
            return found not in wanted
    return found in wanted


def grants(holder: str, document: Mapping[str, Any], *, may_deny: bool = False) -> Iterator[Grant]:
    """What the Allow statements of a policy document allow, one by one.

    Raises UserError for what cannot be checked: what is said by exceptions, a condition that this
    check does not know, and a denial, unless the caller reads `denials`, too (`may_deny`).
    """
    for sid, statement in _statements(document):
        if statement["Effect"] != "Allow" and not may_deny:
            raise UserError(
                f"{holder} ({sid}): what is denied is not checked; do not allow it instead"
            )
        if statement["Effect"] != "Allow":
            continue
        _all_is_known(holder, sid, statement, EQUAL + LIKE)
        condition = statement.get("Condition", {})
        each_of = (
            _listed(statement["Action"]),
            _listed(statement.get("Resource", "*")),
            _principals(statement),
            list(_choices(condition)),
        )
        for action, resource, principal, (chosen, choice) in itertools.product(*each_of):
            yield Grant(holder, sid, action, resource, chosen, principal, choice)


def _statements(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The statements by their Sid, or by their number where they have none."""
    for number, statement in enumerate(_listed(document.get("Statement", [])), 1):
        yield str(statement.get("Sid", number)), statement


def _all_is_known(
    holder: str, sid: str, statement: Mapping[str, Any], operators: tuple[str, ...]
) -> None:
    """Raise UserError for what is said by exceptions, and for a condition's unknown operator."""
    unknown = {"NotAction", "NotResource", "NotPrincipal"} & set(statement)
    if unknown:
        raise UserError(f"{holder} ({sid}): {unknown.pop()} allows too much to be checked; name it")
    for operator in statement.get("Condition", {}):
        if operator not in operators:
            raise UserError(
                f"{holder} ({sid}): the condition {operator} is not checked; use one of "
                + ", ".join(operators)
            )


def _choices(condition: Condition) -> Iterator[tuple[Condition, str]]:
    """A statement's conditions, once for each choice of one of the values that they list."""
    tests = [(operator, key) for operator, keys in condition.items() for key in keys]
    listed = [_listed(condition[operator][key]) for operator, key in tests]
    for values in itertools.product(*listed):
        chosen: dict[str, dict[str, Any]] = {}
        for (operator, key), value in zip(tests, values, strict=True):
            chosen.setdefault(operator, {})[key] = value
        choice = [one for one, several in zip(values, listed, strict=True) if len(several) > 1]
        yield chosen, " and ".join(choice)


def _principals(statement: Mapping[str, Any]) -> list[str]:
    """Whom a statement names, of whatever kind; "" in a role's policies, which name nobody."""
    named = statement.get("Principal", "")
    if isinstance(named, Mapping):
        unknown = sorted(set(named) - {"AWS", "Service"})
        if unknown:
            raise UserError(f"a principal of the kind {unknown[0]} is not known: AWS or Service")
        return [each for several in named.values() for each in _listed(several)]
    return [str(named)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _like(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    if not ("*" in pattern or "?" in pattern):
        return pattern.lower() == text.lower() if ignore_case else pattern == text
    return bool(_compiled(pattern, ignore_case).fullmatch(text))


@functools.cache
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    """A pattern of IAM's, in which `*` and `?` stand for any characters."""
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return re.compile("".join(parts), re.IGNORECASE if ignore_case else 0)


def _filled_in(resource: str, context: Mapping[str, str]) -> str:
    """A resource with its policy variables, such as `${aws:PrincipalTag/team}`, filled in."""
    if "${" not in resource:
        return resource
    return re.sub(r"\$\{([^}]+)\}", lambda found: context.get(found[1], "\0"), resource)


def _holds(operator: str, key: str, value: str, context: Mapping[str, str]) -> bool:
    """Whether one condition holds; one that asks for what a request lacks does not."""
    found = {name.lower(): given for name, given in context.items()}.get(key.lower())
    if found is None:
        return False
    # ArnLike and ArnEquals are one to IAM.
    return _like(value, found) if operator in LIKE else found == value
