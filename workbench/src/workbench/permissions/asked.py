"""What the functions ask AWS for by requests of their own: recorded, and kept in a file.

The running local cloud records it. The file is what checks without a cloud know it from; after all
tests, tests/faults sees that both say the same.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from workbench.application.interface import application
from workbench.deployment.resolved import PREFIX
from workbench.permissions import announced
from workbench.permissions.need import Need
from workbench.permissions.policies import Request
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT, local_keys, running_cloud

FILE = ROOT / "tests" / "recorded_actions.txt"
HEADER = """\
# What functions ask AWS for by themselves: role, action, resource.
# Recorded by: make permissions RECORD=yes
"""
# The emulator's own address; `workbench/local_cloud/emulator/patches/iam.py` answers there.
DECISIONS = "/_workbench/decisions"
# A secret's name ends with six characters of chance.
CHANCE = re.compile(r"(:secret:.*-)\w{6}$")
# Each execution has a name of its own.
EXECUTION = re.compile(r"(:execution:[\w-]+:).+$")


def kept() -> set[str]:
    """The lines of the file; UserError when it is missing."""
    try:
        lines = FILE.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(
            f"{FILE.relative_to(ROOT)} is missing; make it with: make permissions RECORD=yes"
        ) from None
    return {line for line in lines if line and not line.startswith("#")}


def keep(lines: set[str]) -> None:
    """Write the file anew."""
    FILE.write_text(HEADER + "".join(f"{line}\n" for line in sorted(lines)), encoding="utf-8")


def needs(lines: set[str], handlers: Mapping[str, str]) -> list[Need]:
    """The same as what must be allowed; `handlers` has the functions' handlers by their roles.

    Raises UserError for a line that is none.
    """
    found = []
    for line in sorted(lines):
        role, action, resource = [*line.split(" "), "", ""][:3]
        if not (role.endswith("Role") and ":" in action and resource.startswith("arn:")):
            raise UserError(f"{FILE.name}: no role, action and resource: {line}")
        way = f"{role.removesuffix('Role')} asks for it ({FILE.name})"
        for context in _contexts(action, handlers.get(role, "")):
            found.append(Need(role, Request(role, action, resource, way, context)))
    return found


def _contexts(action: str, handler: str) -> list[dict[str, str]]:
    """What requests say besides action and resource, which is all that was recorded of them."""
    if action == "events:PutEvents":
        return [
            {"events:source": announced.SOURCE, "events:detail-type": each}
            for each in announced.of_handler(handler)
        ]
    listed = application().listed_prefixes
    return [{"s3:prefix": listed[action]} if action in listed else {}]


def recorded(answer: Any = None) -> set[str]:
    """What functions of the running local cloud asked for and were allowed, since it is up."""
    found = set()
    for principal, action, resource, decision in decisions() if answer is None else answer:
        role = re.search(rf"role/{PREFIX}-(\w+Role)-", principal)
        if role and decision == "Allow":
            named = EXECUTION.sub(r"\1*", CHANCE.sub(r"\1AbCdEf", resource))
            found.add(f"{role[1]} {action} {named}")
    # s3:ListBucket is what S3 itself asks for when an object is missing; whoever lists objects by
    # itself is added to the file by hand.
    return {line for line in found if " s3:ListBucket " not in line or line in kept()}


def unknown(recorded: set[str]) -> list[str]:
    """What was recorded and the file does not have."""
    advice = f"is asked for, and is not in {FILE.name}; if it shall be: make permissions RECORD=yes"
    return [f"{line} {advice}" for line in sorted(recorded - kept())]


def unseen(recorded: set[str]) -> list[str]:
    """What the file has and nothing has asked for since the local cloud is up."""
    advice = (
        f"is in {FILE.name}, and was not asked for since the local cloud is up; after all of "
        "events/ and make rotate: take the line out"
    )
    return [f"{line} {advice}" for line in sorted(kept() - recorded)]


def refused(answer: Any = None) -> list[str]:
    """What functions of the running local cloud asked for and were not allowed."""
    if answer is None:
        answer = decisions()
    allowed = {tuple(each[:3]) for each in answer if each[3] == "Allow"}
    return [
        f"{principal.rpartition('/')[2]} was refused {action} on {resource}"
        for principal, action, resource, decision in answer
        if decision != "Allow"
        and (principal, action, resource) not in allowed
        and _is_function(principal)
    ]


def _is_function(principal: str) -> bool:
    """Sessions of functions have their names; tests that try doors have names of their own."""
    return principal.rpartition("/")[2].startswith(f"{PREFIX}-")


def decisions() -> Any:
    """Everything that was asked of IAM since the local cloud is up; UserError when it is not."""
    request = urllib.request.Request(  # noqa: S310 - http, loopback
        running_cloud()["endpoint"] + DECISIONS, headers=local_keys().headers
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return json.load(response)
    except urllib.error.HTTPError:
        raise UserError("the local cloud is an older one; start it anew: make down up") from None
