"""Why `sam` failed, in a line: the resource that CloudFormation could not make, or SAM's own error.

SAM prints a table whose columns are 25 letters wide, or a stack trace; the reason is somewhere in
it.
"""

import re
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from workbench.checks.checking import places
from workbench.deployment import outline
from workbench.stages.stage import Stage

# What only follows from another resource's failure.
FOLLOWS = re.compile(r"cancelled|The following resource\(s\) failed|Rollback requested", re.I)
ERROR = re.compile(r"^(?:[\w.]*(?:Error|Exception): |Error: )(.*)$")


def reason(stage: Stage, said: str, since: datetime) -> str:
    """Return the reason: of the first resource that failed after `since`, else what SAM `said`."""
    return _of_stack(stage, since) or of_output(said)


def of_output(said: str) -> str:
    """Return the error in what SAM printed: what follows `Error:`, without a stack trace."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    found = [number for number, line in enumerate(lines) if ERROR.match(line)]
    if not found:
        return lines[-1] if lines else "it said nothing"
    more = lines[found[0] + 1 : found[0] + 4]
    # SAM breaks a long sentence over lines; a traceback and the next error are no part of it.
    rest = [line for line in more if not re.match(r"Traceback|File |[\w.]*Error", line)]
    words = " ".join([ERROR.sub(r"\1", lines[found[0]]), *rest])
    return _placed(words, words)


def _of_stack(stage: Stage, since: datetime) -> str:
    try:
        pages = stage.client("cloudformation").get_paginator("describe_stack_events")
        events = [
            event
            for page in pages.paginate(StackName=stage.prefix)
            for event in page["StackEvents"]
            if event["Timestamp"] >= since
        ]
    except ClientError:
        return ""  # there is no stack: SAM failed before
    failed = [event for event in events if _is_cause(event)]
    if not failed:
        return ""
    first = min(failed, key=lambda event: event["Timestamp"])
    name, why = first["LogicalResourceId"], " ".join(first["ResourceStatusReason"].split())
    return _placed(name, f"{name} ({first['ResourceType']}): {why}")


def _is_cause(event: dict[str, Any]) -> bool:
    why = event.get("ResourceStatusReason", "")
    return event["ResourceStatus"].endswith("_FAILED") and bool(why) and not FOLLOWS.search(why)


def _placed(words: str, what: str) -> str:
    """Return it with the line of the resource of the template that is named first."""
    at = places.of(outline.TEMPLATE)
    known = set(at.keys(("Resources",)))
    named = next((word for word in re.findall(r"\w+", words) if word in known), "")
    if not named:  # SAM makes resources of others: <Function>Role …
        made_of = [one for one in known if re.search(rf"\b{re.escape(one)}\w", words)]
        named = max(made_of, key=len, default="")
    return f"{at.file}:{at.line(('Resources', named))}: {what}" if named else what
