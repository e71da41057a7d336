"""What a state's input is made of: the output of each state that can come before it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench.checks.linting.scopes import Scope

type Shape = dict[str, Any] | None
"""The fields of an object, each with its own; empty: it may hold anything; None: no object."""

ANYTHING: dict[str, Any] = {}
INPUT = re.compile(r"\{%\s*\$states\.input\s*%\}")
# https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
LAMBDA_ANSWER: Shape = dict.fromkeys(
    ("ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"), ANYTHING
)
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
ERROR_OUTPUT: Shape = dict.fromkeys(("Error", "Cause"), ANYTHING)


@dataclass(frozen=True)
class Given:
    """What one state before gives; `shape` as far as the definition says it."""

    source: str
    shape: Shape

    @property
    def said(self) -> str:
        """What it gives, in words."""
        return "its service's answer" if self.shape is None else f"only {', '.join(self.shape)}"

    def lacks(self, names: list[str]) -> bool:
        """Whether it surely does not have the field that these names lead to."""
        shape = self.shape
        for name in names:
            if shape is None or (shape and name not in shape):
                return True
            shape = shape.get(name, ANYTHING)
        return False


def inputs(scope: Scope, name: str, been: frozenset[str] = frozenset()) -> Iterator[Given]:
    """What each state before the state `name` of a scope gives it; nothing where it begins one."""
    for source, state in scope.machine["States"].items():
        if source in been:
            continue
        for place, caught in _ways(state, name):
            shape, passes = _output(state, place, caught)
            if passes:
                yield from inputs(scope, source, been | {name})
            else:
                yield Given(source, shape)


def _ways(state: dict[str, Any], name: str) -> Iterator[tuple[dict[str, Any], bool]]:
    """The places of a state that lead to `name`: itself, a Choice rule, or a Catch (then True)."""
    if name in (state.get("Next"), state.get("Default")):
        yield state, False
    for rule in state.get("Choices", []):
        if rule.get("Next") == name:
            yield rule, False
    for catch in state.get("Catch", []):
        if catch.get("Next") == name:
            yield catch, True


def _output(state: dict[str, Any], place: dict[str, Any], caught: bool) -> tuple[Shape, bool]:
    """What a way out of a state gives, and whether that is the state's own input."""
    if "Output" in place:
        said = place["Output"]
        return _shape(said), isinstance(said, str) and bool(INPUT.fullmatch(said))
    if caught:
        return ERROR_OUTPUT, False
    if state["Type"] in ("Pass", "Choice", "Wait"):
        return ANYTHING, True
    resource = str(state.get("Resource", ""))
    if resource.endswith(".waitForTaskToken"):
        return ANYTHING, False  # whatever is sent back with the token
    return (LAMBDA_ANSWER if resource.endswith(":lambda:invoke") else None), False


def _shape(said: Any) -> Shape:
    """The fields that an Output says; an expression may give anything."""
    if isinstance(said, dict) and said:
        return {name: _shape(each) or ANYTHING for name, each in said.items()}
    return ANYTHING
