"""What a state's expressions read must be there: variables on every way, $states, functions."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.single_states import substituted
from workbench.checks.linting import data_flow, expressions
from workbench.checks.linting.data_flow import findings
from workbench.stages.errors import UserError

TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}
# Every construct at work, and nothing wrong with any of it.
WHOLE: dict[str, Any] = {
    "QueryLanguage": "JSONata",
    "StartAt": "First",
    "States": {
        "First": {
            "Type": "Pass",
            "Comment": "$states.input is the order",
            "Assign": {
                "file": "{% $states.input.file %}",
                "text": "a text with a $ in it",
                "sums": "{% ($add := function($a, $b) { $a + $b }; $reduce([1, 2], $add)) %}",
            },
            "Next": "Which",
        },
        "Which": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $states.input.big %}",
                    "Assign": {"size": "{% $file.size %}"},
                    "Next": "Both",
                }
            ],
            "Assign": {"size": 0},
            "Default": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Keep",
                    "States": {
                        "Keep": {"Type": "Pass", "Assign": {"kept": "{% $size %}"}, "Next": "Give"},
                        "Give": {"Type": "Pass", "Output": "{% $kept & $text %}", "End": True},
                    },
                }
            ],
            "Assign": {"both": "{% $states.result[0] %}"},
            "Catch": [
                {
                    "ErrorEquals": ["States.ALL"],
                    "Assign": {"failure": "{% $states.errorOutput.Error %}"},
                    "Next": "Stop",
                }
            ],
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "Items": "{% $file.lines[price > $size].(name) %}",
            "ItemSelector": {"line": "{% $states.context.Map.Item.Value %}", "all": "{% $sums %}"},
            "MaxConcurrency": "{% 5 %}",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                "StartAt": "One",
                "States": {
                    "One": {
                        **TASK,
                        "Arguments": {"Payload": "{% $states.input %}"},
                        "Assign": {"file": "{% $states.result.Payload %}"},
                        "Next": "Tell",
                    },
                    "Tell": {"Type": "Pass", "Output": "{% $file %}", "End": True},
                },
            },
            "Next": "Wait",
        },
        "Wait": {
            **TASK,
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Arguments": {"token": "{% $states.context.Task.Token %}", "both": "{% $both %}"},
            "End": True,
        },
        "Stop": {"Type": "Fail", "Cause": "{% $failure %}"},
    },
}


def reported(place: str, value: Any, *, of: dict[str, Any] = WHOLE) -> list[str]:
    """What is found when one place, such as `First.Assign.file`, has another value."""
    machine = copy.deepcopy(of)
    *way, last = place.split(".")
    at: Any = machine["States"]
    for name in way:
        at = at[int(name)] if name.isdigit() else at[name]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return findings(machine)


def test_the_projects_own_definition_has_all_that_it_reads() -> None:
    assert findings(substituted()) == []


def test_a_definition_in_which_nothing_is_wrong() -> None:
    assert findings(WHOLE) == []


def with_before(state: str, before: dict[str, Any]) -> dict[str, Any]:
    """The project's definition with a state `Audit` put in before another one."""
    machine = substituted()
    for each in machine["States"].values():
        for place in (each, *each.get("Choices", []), *each.get("Catch", [])):
            for way in ("Next", "Default"):
                if place.get(way) == state:
                    place[way] = "Audit"
    machine["States"]["Audit"] = before | {"Next": state}
    return machine


AUDIT = TASK | {"Arguments": {"FunctionName": "Audit", "Payload": "{% $file %}"}}


def test_a_state_without_output_before_a_choice_is_reported() -> None:
    """The Choice would fall through to its Default: its verdict is in nobody's hands."""
    found = findings(with_before("NeedsApproval", AUDIT))

    assert any(
        line.startswith("NeedsApproval, Choices[1].Condition: ")
        and "Audit before it gives only ExecutedVersion, Payload, " in line
        and line.endswith("no verdict: say it in its Output")
        for line in found
    ), found


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        (AUDIT | {"Output": "{% $states.input %}"}, False),
        (AUDIT | {"Output": "{% $states.result.Payload %}"}, False),
        (AUDIT | {"Output": {"verdict": 1, "reason": 2, "explanation": 3}}, False),
        (AUDIT | {"Output": {"reason": 2, "explanation": 3}}, True),
        ({"Type": "Pass"}, False),
        ({"Type": "Pass", "Output": {"audited": True}}, True),
        ({"Type": "Wait", "Seconds": 1}, False),
        ({"Type": "Parallel", "Branches": []}, True),
        (AUDIT | {"Resource": "arn:aws:states:::aws-sdk:s3:headObject"}, True),
        (AUDIT | {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"}, False),
    ],
)
def test_what_a_state_before_gives_is_known(before: dict[str, Any], problem: bool) -> None:
    found = findings(with_before("NeedsApproval", before))
    assert bool([line for line in found if line.endswith("no verdict: say it in its Output")]) == (
        problem
    ), found


def test_a_caught_error_is_an_input_too() -> None:
    found = reported("Stop.Cause", "{% $failure & $states.input.Eror %}")
    assert "Both before it gives only Error, Cause, no Eror" in str(found)
    assert reported("Stop.Cause", "{% $failure & $states.input.Error %}") == []


INSIDE = "Both.Branches.0.States.Give.Output"
ITEM = "Each.ItemProcessor.States.One.Arguments.Payload"


@pytest.mark.parametrize(
    ("place", "text", "says"),
    [
        ("Stop.Cause", "{% $failur %}", "no state before it assigns $failur; is $failure meant?"),
        ("Stop.Cause", "{% $both %}", "$both is not assigned on the way First → Which → Both → St"),
        ("Each.Items", "{% $kept %}", "no state before it assigns $kept"),
        ("First.Assign.file", "{% $text %}", "$text is not assigned on the way First"),
        (INSIDE, "{% $kept & $failure & $text %}", "$failure is not assigned on the way"),
        (ITEM, "{% $sums %}", "a Distributed Map's items do not see $sums; hand it on"),
        (ITEM, "{% $file %}", "$file is not assigned on the way One"),
        ("Each.Items", "{% $cont($file) %}", "no function $cont; is $count meant?"),
        ("Each.Items", "{% $eval($file) %}", "Step Functions knows no function $eval"),
        ("Each.Items", "{% file.lines %}", "file is not a variable: a variable begins with $"),
        ("Each.Items", "{% $$.lines %}", "$$ has no value here"),
        ("Each.Items", "{% ($x := 1; $x) + $x %}", "no state before it assigns $x"),
        ("Each.Items", "{% $map($file, function($l) { $l & $i }) %}", "assigns $i"),
        ("Each.Items", "{% $file.( %}", "is not valid JSONata: "),
        ("Stop.Cause", "{% $states.inputs %}", "no $states.inputs; is $states.input meant?"),
        ("Stop.Cause", "{% $states.result %}", "$states.result is only in Assign and Output"),
        ("Wait.Arguments.both", "{% $states.result & $both %}", "$states.result is only in"),
        ("Wait.Arguments.Output", "{% $states.result %}", "$states.result is only in"),
        ("Both.Catch.0.Assign.failure", "{% $states.result %}", "$states.result is only in"),
        ("Both.Assign.both", "{% $states.errorOutput.Error %}", "only in Assign and Output of a C"),
        ("Both.Catch.0.Assign.failure", "{% $states.errorOutput.Eror %}", "is Error meant?"),
        ("Stop.Cause", "{% $states.context.Execution.Ids %}", "no Ids; is Id meant?"),
        ("Stop.Cause", "{% $states.context.Executions %}", "is Execution meant?"),
        ("Stop.Cause", "{% $states.context.Task.Token %}", "only there when the Resource ends in"),
        ("Stop.Cause", "{% $states.context.Map.Item.Value %}", "only there in a Map's"),
        ("Stop.Cause", "$failure", "is taken as plain text; an expression stands between {% and"),
        ("Stop.Cause", "it was $states.input", "is taken as plain text"),
        ("Wait.Arguments.both", "{% $both", "begins with {% and ends with %}"),
        ("Wait.Arguments.both", " {% $both %}", "begins with {% and ends with %}"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_reported(place: str, text: str, says: str) -> None:
    found = reported(place, text)

    name, field = place.split(".")[0], place.split(".")[-1]
    matching = [line for line in found if says in line]
    assert len(matching) == 1, found
    assert matching[0].startswith(("Give, " if place == INSIDE else f"{name}, ", "One, "))
    assert f"{field}: {text.strip()}: " in matching[0]


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        # A Choice that assigns on one of its edges only.
        ("Which.Assign", None, "$size is not assigned on the way First → Which → Both → Each"),
        ("Which.Choices.0.Assign", None, "$size is not assigned on the way First → Which → Both"),
        ("Wait.Assign", {"bth": 1}, "the workflow: assigns $bth, and no expression reads it"),
        ("Wait.Assign", {"$both": 1}, "'$both' cannot be a variable's name"),
        ("Wait.Assign", {"both.x": 1}, "'both.x' cannot be a variable's name"),
        ("Wait.Assign", {"states": 1}, "'states' is Step Functions' own name"),
        (
            "Both.Branches.0.States.Keep.Assign",
            {"kept": 1, "size": 2},
            "in Both: Assign: $size is already the name of a variable around it",
        ),
    ],
)
def test_what_is_assigned_wrongly_is_reported(place: str, value: Any, says: str) -> None:
    found = reported(place, value)
    assert any(says in line for line in found), found


@pytest.mark.parametrize("malformed", [None, "{% $file %}", ["file"]])
def test_what_is_malformed_is_no_crash(malformed: Any) -> None:
    assert (
        reported("Wait.Assign", malformed or "text") == reported("First.Comment", malformed) == []
    )
    assert "$size is not assigned" in str(reported("Which.Assign", malformed))


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (WHOLE, "the workflow: without QueryLanguage: JSONata no expression is evaluated"),
        (WHOLE["States"]["Wait"], "Wait, QueryLanguage: all states of a JSONata workflow"),
    ],
)
def test_another_language_is_reported(
    place: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(place, "QueryLanguage", "JSONPath")
    (found,) = findings(WHOLE)
    assert found.startswith(says)


def test_items_of_a_map_that_is_not_distributed_see_the_variables_around_it() -> None:
    inline = copy.deepcopy(WHOLE)
    processor = inline["States"]["Each"]["ItemProcessor"]
    processor["ProcessorConfig"] = {"Mode": "INLINE"}
    one = processor["States"]["One"]
    one["Arguments"] = {"Payload": "{% $sums & $states.context.Map.Item.Index %}"}
    del one["Assign"]

    assert findings(inline) == []


@pytest.mark.parametrize(
    ("expression", "variables", "bare"),
    [
        ("$a.b[c = $d].{'e': f}", {"a", "d"}, set()),
        ("$a@$i.b#$n[$n > 1].$i", {"a"}, set()),
        ("$a^(>b){c: $sum(d)}", {"a", "sum"}, set()),
        ("$a[x = $y]", {"a", "y"}, set()),
        ("$a ~> |b|{'c': d}|", {"a"}, set()),
        ("$filter($a, function($v) { $v.x in $b })", {"filter", "a", "b"}, set()),
        ("a.b & $.c & $$", set(), {"a", "$", "$$"}),
        ("{'a': b}", set(), {"b"}),
        ("($f := function($n) { $n < 1 ? 1 : $f($n - 1) }; $f(3))", set(), set()),
        ("/a$b/ & 'text with $c'", set(), set()),
    ],
)
def test_the_names_that_an_expression_uses(
    expression: str, variables: set[str], bare: set[str]
) -> None:
    found, _ = expressions.references([expression])
    assert (found[expression].variables, found[expression].bare) == (variables, bare)


def test_a_missing_environment_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expressions, "CLOUD_PYTHON", tmp_path / "python")
    with pytest.raises(UserError, match="run: make setup"):
        expressions.references(["$a"])


def test_the_command_prints_what_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "definition.json"
    machine = copy.deepcopy(WHOLE)
    machine["States"]["Stop"]["Cause"] = "{% $failur %}"
    path.write_text(json.dumps(machine))
    monkeypatch.setattr("sys.argv", ["data_flow", str(path)])

    assert data_flow.main() == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("Stop, Cause: {% $failur %}: no state before it assigns $failur")
