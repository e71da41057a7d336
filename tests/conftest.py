"""The report of the workflow's edges: which tests took each; one that no test took is a failure.

A test of tests/workflow notes what it saw as a property named `edge` of its report; so the process
that prints gets it from every worker. It is judged when all of that tier ran.
"""

import os

# Read when Powertools is imported, by whichever test comes first.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "order-intake")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "OrderIntake")
os.environ["STAGE"] = "local"  # no test may reach an account, whatever the caller works on

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings

from workbench.stages.errors import UserError
from workbench.workflow import retry_times
from workbench.workflow.definition import load
from workbench.workflow.edges import edges

# Machines are shared and busy: no test has a stopwatch.
settings.register_profile("busy machines", deadline=None)
settings.load_profile("busy machines")

TAKEN: dict[str, set[str]] = defaultdict(set)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--edges", action="store_true", help="list the workflow's edges and delays")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        for name, edge in report.user_properties:
            if name == "edge":
                TAKEN[str(edge)].add(report.nodeid.rpartition("::")[2])


def whole_tier_ran(config: pytest.Config) -> bool:
    """Whether nothing of tests/workflow was left out."""
    tier = Path(__file__).parent / "workflow"
    asked = [Path(config.invocation_params.dir, arg.split("::")[0]) for arg in config.args]
    narrowed = config.option.keyword or config.option.markexpr or config.option.collectonly
    return not narrowed and any(
        "::" not in arg and (path == tier or path in tier.parents)
        for arg, path in zip(config.args, asked, strict=True)
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput") or not whole_tier_ran(session.config):
        return
    try:
        missing = set(edges(load())) - set(TAKEN)
    except UserError:  # the summary tells it
        missing = {"all"}
    if missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not (config.getoption("--edges") or whole_tier_ran(config)):
        return
    try:
        definition = load()
    except UserError as error:
        terminalreporter.write_line(f"no edges to report: {error}", red=True)
        return
    every = edges(definition)
    if config.getoption("--edges"):
        terminalreporter.section("the workflow's edges, and which tests took each")
        for edge in every:
            first, *more = sorted(TAKEN[edge]) or ["NO TEST"]
            terminalreporter.write_line(f"{edge:58} {first}{f' +{len(more)}' if more else ''}")
        terminalreporter.section("how long retries can hold a file")
        for line in retry_times.table(definition):
            terminalreporter.write_line(line)
    if whole_tier_ran(config):
        missing = [edge for edge in every if not TAKEN[edge]]
        terminalreporter.section("workflow edges")
        for edge in missing:
            terminalreporter.write_line(f"no test took: {edge}", red=True)
        terminalreporter.write_line(f"{len(every) - len(missing)} of {len(every)} edges taken")
