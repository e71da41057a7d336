"""The report of the workflows' edges: which tests took each; one that no test took is a failure.

A pytest plugin. A test of tests/workflow notes what it saw as a property named `edge` of its
report, `<state machine>: <edge>`; so the process that prints gets it from every worker. It is
checked when all of that tier ran.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT
from workbench.workflow import retry_times
from workbench.workflow.definition import load_all
from workbench.workflow.edges import edges

TAKEN: dict[str, set[str]] = defaultdict(set)
TIER = ROOT / "tests" / "workflow"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that lists every edge."""
    parser.addoption("--edges", action="store_true", help="list the workflows' edges and delays")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the edges that a test took."""
    if report.when == "call" and report.passed:
        for name, edge in report.user_properties:
            if name == "edge":
                TAKEN[str(edge)].add(report.nodeid.rpartition("::")[2])


def every_edge() -> list[str]:
    """Return the edges of all state machines, each after its machine's name."""
    return [f"{name}: {edge}" for name, machine in load_all().items() for edge in edges(machine)]


def whole_tier_ran(config: pytest.Config) -> bool:
    """Return whether there is a tests/workflow, and nothing of it was left out."""
    if not TIER.is_dir():
        return False
    asked = [Path(config.invocation_params.dir, arg.split("::")[0]) for arg in config.args]
    narrowed = config.option.keyword or config.option.markexpr or config.option.collectonly
    return not narrowed and any(
        "::" not in arg and (path == TIER or path in TIER.parents)
        for arg, path in zip(config.args, asked, strict=True)
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the run fail when an edge was not taken."""
    if hasattr(session.config, "workerinput") or not whole_tier_ran(session.config):
        return
    try:
        missing = set(every_edge()) - set(TAKEN)
    except UserError:  # the summary says it
        missing = {"all"}
    if missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the edges that no test took; with --edges, all of them, and how long retries hold."""
    if not (config.getoption("--edges") or whole_tier_ran(config)):
        return
    try:
        machines = load_all()
    except UserError as error:
        terminalreporter.write_line(f"no edges to report: {error}", red=True)
        return
    every = every_edge()
    if config.getoption("--edges"):
        terminalreporter.section("the workflows' edges, and which tests took each")
        for edge in every:
            first, *more = sorted(TAKEN[edge]) or ["NO TEST"]
            terminalreporter.write_line(f"{edge:68} {first}{f' +{len(more)}' if more else ''}")
        for name, machine in machines.items():
            terminalreporter.section(f"how long retries can hold an execution of {name}")
            for line in retry_times.table(machine):
                terminalreporter.write_line(line)
    if whole_tier_ran(config):
        missing = [edge for edge in every if not TAKEN[edge]]
        terminalreporter.section("workflow edges")
        for edge in missing:
            terminalreporter.write_line(f"no test took: {edge}", red=True)
        terminalreporter.write_line(f"{len(every) - len(missing)} of {len(every)} edges taken")
