"""Looking for what must be nowhere: tokens, secrets and customers' data in logs and events."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from operations.deployed import Deployed
from operations.files.order_file import execution_of
from operations.reconciliation.reading import File, at_once

type HistoryEvent = Mapping[str, Any]

SECRETS = {
    "database": "password",
    "database-owner": "password",
    "rates-api": "api_key",
    "partner-webhook": "api_key",
}
VERSIONS = ("AWSCURRENT", "AWSPREVIOUS", "AWSPENDING")
SHORTEST_TEXT = 12  # characters of a description that tell a customer's text from a common word
SHORTEST_ID = 5
MOST_SAMPLES = 400  # so many of the customers' data are looked for
WORD = re.compile(r"\w+")


def secret_values(deployed: Deployed) -> dict[str, str]:
    """Every secret's values, the one before and one to come included: value → what it is."""
    client = deployed.stage.client("secretsmanager")
    found = {}
    for name, field in SECRETS.items():
        for version in VERSIONS:
            try:
                answer = client.get_secret_value(
                    SecretId=f"{deployed.stage.prefix}/{name}", VersionStage=version
                )
            except ClientError:
                continue  # a stage may lack a secret, and a secret may have one version only
            value = json.loads(answer.get("SecretString") or "{}").get(field)
            if value:
                found[value] = f"{field} of the secret {name}"
    return found


def read_histories(deployed: Deployed, files: Iterable[File]) -> dict[str, list[HistoryEvent]]:
    """The histories of all executions that worked on these files, by execution ARN."""
    executions = {execution_of(file.row) for file in files if file.row} - {None}
    return dict(at_once(lambda arn: _history(deployed, str(arn)), executions))


def tokens(files: Iterable[File], histories: Mapping[str, list[HistoryEvent]]) -> dict[str, str]:
    """The task tokens that can be known: value → what it is.

    The ledger forgets a token as soon as it was used; on AWS, the task that waited for it shows it.
    """
    found = {
        str(file.row["task_token"]): f"task token of {file.file_id}"
        for file in files
        if file.row and file.row.get("task_token")
    }
    for arn, events in histories.items():
        for event in filter(_shows_token, events):
            parameters = event.get("taskScheduledEventDetails", {}).get("parameters", "{}")
            token = json.loads(parameters).get("Payload", {}).get("task_token")
            if token:
                found[str(token)] = f"task token of the execution {_name(arn)}"
    return found


def customer_data(deployed: Deployed, files: Iterable[File]) -> dict[str, str]:
    """Customers and descriptions of curated lines, so many of them: value → what it is.

    Those that consist of digits only, or are short, would be found by chance.
    """
    found: dict[str, str] = {}
    s3 = deployed.stage.client("s3")
    for file in files:
        if not file.curated.lines or len(found) >= MOST_SAMPLES:
            continue
        key = f"curated/{file.key.split('/')[1]}/{file.file_id}/00000.csv"
        text = s3.get_object(Bucket=deployed.bucket, Key=key)["Body"].read().decode()
        for line in list(csv.DictReader(io.StringIO(text, newline="")))[:20]:
            customer, description = line["customer"], line["description"]
            if len(customer) >= SHORTEST_ID and re.search("[^0-9.]", customer):
                found[customer] = f"customer in {file.file_id}"
            if len(description) >= SHORTEST_TEXT:
                found[description] = f"description in {file.file_id}"
    return found


def texts(
    deployed: Deployed,
    histories: Mapping[str, list[HistoryEvent]],
    events: Iterable[dict[str, Any]],
    since: datetime,
) -> Iterator[tuple[str, str]]:
    """Everything that is to be free of them: (where, text)."""
    for event in events:
        yield f"event {event['detail-type']}", json.dumps(event, ensure_ascii=False)
    yield from _logs(deployed, since)
    for arn, history in histories.items():
        shown = [event for event in history if not _shows_token(event)]
        yield f"history of {_name(arn)}", json.dumps(shown, default=str, ensure_ascii=False)


def leaks(needles: dict[str, str], haystacks: Iterable[tuple[str, str]]) -> list[str]:
    """Return what of `needles` (value → what it is) is found, and where, without the value.

    A needle is found as whole words only. By its first word, so that a text is read once, however
    many needles there are.
    """
    by_word: dict[str, list[tuple[str, int]]] = {}
    for needle in needles:
        if first := WORD.search(needle):
            by_word.setdefault(first[0], []).append((needle, first.start()))
    found = {}
    for where, text in haystacks:
        for word in WORD.finditer(text):
            for needle, offset in by_word.get(word[0], ()):
                if _stands_at(text, needle, word.start() - offset):
                    found[f"{needles[needle]} is in: {where}"] = True
    return list(found)


def _stands_at(text: str, needle: str, start: int) -> bool:
    end = start + len(needle)
    if start < 0 or not text.startswith(needle, start):
        return False
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    return not (WORD.match(before) or WORD.match(after))


def _logs(deployed: Deployed, since: datetime) -> Iterator[tuple[str, str]]:
    logs = deployed.stage.client("logs")
    for start in (f"/aws/lambda/{deployed.stage.prefix}-", "/aws/vendedlogs/states/"):
        for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=start):
            for group in page["logGroups"]:
                name = group["logGroupName"]
                if deployed.stage.prefix in name:
                    yield f"log {name}", _log(logs, name, since)


def _log(logs: Any, name: str, since: datetime) -> str:
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=name, startTime=int(since.timestamp() * 1000)
    )
    return "\n".join(event["message"] for page in pages for event in page["events"])


def _shows_token(event: HistoryEvent) -> bool:
    """Whether it is the one place where AWS shows a token: the parameters of the waiting task."""
    return "parameters" in (said := json.dumps(event, default=str)) and ".waitForTaskToken" in said


def _name(execution_arn: str) -> str:
    return execution_arn.rpartition(":")[2]


def _history(deployed: Deployed, arn: str) -> tuple[str, list[HistoryEvent]]:
    pages = deployed.stage.client("stepfunctions").get_paginator("get_execution_history")
    try:
        return arn, [event for page in pages.paginate(executionArn=arn) for event in page["events"]]
    except ClientError:
        return arn, []  # AWS keeps an execution for 90 days
