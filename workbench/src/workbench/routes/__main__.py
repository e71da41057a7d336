"""`make routes`: every event against every deployed rule, as a table; near misses are counted.

Reads only, on any stage. With --all, the table has the near misses, too.
"""

import argparse

from workbench.routes.matrix import Answer, ask, questions
from workbench.stages.deployed import Deployed
from workbench.stages.errors import run
from workbench.stages.stage import Stage
from workbench.stages.visible import say


def main(arguments: list[str] | None = None) -> int:
    """Print the matrix; 1 when an event goes another way than expected."""
    parser = argparse.ArgumentParser(prog="make routes", description=__doc__, exit_on_error=False)
    parser.add_argument("--all", action="store_true", help="show the near misses, too")
    everything = parser.parse_args(arguments).all
    deployed = Deployed.find(Stage.from_environment())
    rules = sorted({rule.name for rule in deployed.rules})
    answers = list(ask(deployed, questions(deployed)))
    shown = [a for a in answers if everything or ":" not in a.question.name or not a.as_expected]
    for line in table(shown, rules):
        say(line)
    for answer in answers:
        if not answer.as_expected:
            say(f"differs: {difference(answer)}")
    differ = sum(not answer.as_expected for answer in answers)
    misses = sum(":" in answer.question.name for answer in answers)
    say(
        f"asked {len(rules)} rules about {len(answers)} events ({misses} near misses), "
        f"as expected {len(answers) - differ}, differ {differ}"
    )
    return 1 if differ else 0


def table(answers: list[Answer], rules: list[str]) -> list[str]:
    """A line for each event, a column for each rule: `x` takes it, `!` differs from expected."""
    heads = [f"{'│ ' * column}┌ {rule}" for column, rule in enumerate(rules)]
    lines = []
    for answer in answers:
        cells = [_cell(rule, answer) for rule in rules]
        lines.append(f"{' '.join(cells)}  {answer.question.name}")
    return [*heads, *lines]


def difference(answer: Answer) -> str:
    """What differs, in words."""
    expected, came = answer.question.expected, answer.taken_by
    return (
        f"{answer.question.name}: expected {' + '.join(expected) or 'no rule'}, "
        f"taken by {' + '.join(came) or 'no rule'}"
    )


def _cell(rule: str, answer: Answer) -> str:
    taken = rule in answer.taken_by
    if taken != (rule in answer.question.expected):
        return "!"
    return "x" if taken else "·"


if __name__ == "__main__":
    run(main)
