"""The page of a replay: its scenarios, what was expected and what came, and who did it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from workbench.application.interface import application
from workbench.history.model import Execution
from workbench.history.reading import read_execution
from workbench.page.content import Json, Texts, execution_data
from workbench.page.document import document, written
from workbench.page.drawing.graph import Definition
from workbench.replay.figures import Figures
from workbench.replay.result import Result, Taken
from workbench.replay.session import Reconciled, Session
from workbench.stages.deployed import Deployed
from workbench.stages.errors import UserError
from workbench.stages.stage import PROJECT
from workbench.stages.visible import visible

type Content = tuple[Json, dict[str, Definition]]
"""What a page shows, and the definitions of the state machines that are drawn in it."""

AT_ONCE = 6
TONES = {"green": "good", "yellow": "warn", "cyan": "info"}


def lines(
    session: Session, results: Sequence[Result], reconciled: Reconciled | None
) -> Iterator[str]:
    """Write the page of a replay; yield the line that says where it is, or why there is none."""

    def content() -> Content:
        return content_of(session, results, reconciled)

    yield from _said(content)


def lines_of_one(
    deployed: Deployed, result: Result, details: Sequence[tuple[str, str]]
) -> Iterator[str]:
    """Write the page of one result that nothing was expected of; yield what `lines` yields."""

    def content() -> Content:
        texts, arns = Texts(), list(result.executions)
        entry = _entry(result, details, arns, texts)
        return _content(deployed, [entry], arns, texts, kind="sent")

    yield from _said(content)


def _said(content: Callable[[], Content]) -> Iterator[str]:
    try:
        path = written(document(*content()))
    except (UserError, ClientError, BotoCoreError) as error:
        yield f"there is no page of it: {error}"
    else:
        yield f"the page: {path.as_uri()}"


def content_of(
    session: Session, results: Sequence[Result], reconciled: Reconciled | None
) -> Content:
    """Return what the page shows of a replay, and the definitions of its state machines."""
    texts = Texts()
    arns = list(dict.fromkeys(arn for one in results for arn in one.executions))
    observed = [one for one in results if one.seen is not None]
    entries = [
        _entry(one, session.details(one) if one in observed else [], arns, texts)
        for one in sorted(results, key=lambda one: one.scenario.path)
    ]
    more: Json = {"totals": [figures_data(one) for one in session.totals(observed)]}
    if reconciled is not None:
        said = [visible(line) for line in reconciled.lines()]
        more["reconciled"] = {"balanced": reconciled.balanced, "lines": said}
    return _content(session.deployed, entries, arns, texts, **more)


def _content(
    deployed: Deployed, entries: list[Json], arns: list[str], texts: Texts, **more: Any
) -> Content:
    executions = read_all(deployed, arns)
    data = heading(deployed) | {
        "entries": entries,
        "executions": [execution_data(one, texts) for one in executions],
        "rules": rules_of(deployed),
        "texts": texts.all,
    }
    return data | more, definitions_of(deployed, executions)


def heading(deployed: Deployed) -> Json:
    """Return which project and stage a page is about, and when it was made."""
    now = datetime.now(UTC)
    return {
        "project": PROJECT,
        "stage": deployed.stage.name,
        "region": deployed.stage.region,
        "made": f"{now:%Y-%m-%d %H:%M:%S} UTC",
    }


def figures_data(one: Figures) -> Json:
    """Return a table of figures for the page."""
    return {
        "title": one.title,
        "bars": one.bars,
        "rows": [[visible(row.label), visible(row.value), row.level] for row in one.rows],
    }


def read_all(deployed: Deployed, arns: Iterable[str]) -> list[Execution]:
    """Return the executions of these ARNs, several of them read at once."""
    client = deployed.stage.client("stepfunctions")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda arn: read_execution(client, arn), arns))


def definitions_of(deployed: Deployed, executions: Iterable[Execution]) -> dict[str, Definition]:
    """Return the definitions of these executions' state machines as deployed, by machine."""
    client, found = deployed.stage.client("stepfunctions"), {}
    for name in dict.fromkeys(one.machine for one in executions):
        arn = deployed.arn("states", f"stateMachine:{name}")
        found[name] = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])
    return found


def rules_of(deployed: Deployed) -> list[Json]:
    """Return the deployed rules with their patterns and the short names of their targets."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(
            pool.map(
                lambda rule: {
                    "bus": rule.bus,
                    "name": rule.name,
                    "pattern": json.dumps(json.loads(rule.pattern), indent=2),
                    "targets": [
                        short_name(deployed, arn)
                        for arn in deployed.targets_of(rule.bus, rule.name)
                    ],
                },
                deployed.rules,
            )
        )


def short_name(deployed: Deployed, arn: str) -> str:
    """Return what a target is called here: its ARN's last part, without the stage."""
    return arn.rpartition(":")[2].rpartition("/")[2].removeprefix(f"{deployed.stage.prefix}-")


def _entry(
    result: Result, details: Sequence[tuple[str, str]], arns: list[str], texts: Texts
) -> Json:
    scenario = result.scenario
    started = result.started or datetime.now(UTC)
    return {
        "id": f"{scenario.path.parent.name}/{scenario.name}",
        "folder": scenario.path.parent.name,
        "name": scenario.name,
        "title": visible(scenario.title),
        "ok": result.as_expected,
        "outcome": visible(result.outcome),
        "tone": tone_of(result),
        "rule": visible(result.rule),
        "path": visible(result.path),
        "started": round(started.timestamp() * 1000),
        "took": round(result.seconds * 1000),
        "fields": [[visible(text) for text in field] for field in result.fields],
        "differences": [visible(one) for one in result.differences],
        "why": [visible(one) for one in result.why],
        "details": [[name, visible(value)] for name, value in details],
        "events": [_event(one, texts) for one in result.events],
        "executions": [arns.index(arn) for arn in result.executions],
    }


def _event(taken: Taken, texts: Texts) -> Json:
    event: Mapping[str, Any] = taken.event
    return {
        "bus": taken.bus,
        "source": visible(event.get("source", "")),
        "type": visible(event.get("detail-type", "")),
        "time": visible(event.get("time", "")),
        "rules": list(taken.rules),
        "text": texts.number(event),
    }


def tone_of(result: Result) -> str:
    """Return how an outcome is to look: good, warn, info, bad, or nothing special."""
    colour = application().colours.get(result.outcome)
    if colour:
        return TONES.get(colour, "plain")
    if result.outcome == "SUCCEEDED":
        return "good"
    return "plain" if result.seen is None or result.rule == "none" else "bad"
