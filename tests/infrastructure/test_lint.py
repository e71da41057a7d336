"""What `make lint` runs is part of `make test`: each check by itself, and that it sees flaws."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tools import lint
from tools.errors import UserError
from tools.linting import LEFT_OUT, definition, deployed_form, markdown_links, sources


@pytest.mark.parametrize("name", lint.CHECKS)
def test_check_finds_nothing(name: str) -> None:
    verdict = lint.check(name)
    assert verdict.passed, verdict.output


@pytest.fixture(scope="module")
def of() -> dict[str, Any]:
    return deployed_form.translated()


def judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: dict[str, Any]) -> Path:
    """Make the checks judge `form` instead of what is deployed."""
    path = tmp_path / "form.json"
    path.write_text(json.dumps(form))
    monkeypatch.setattr(deployed_form, "prepare", lambda: (path, path))
    return path


def test_the_translated_template_is_judged_by_cfn_lint_with_the_definition_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, of: dict[str, Any]
) -> None:
    broken = deployed_form.rendered(of) | {"StartAt": "Nowhere"}
    machine = deployed_form.with_definition(of, broken)["Resources"]["OrderIntake"]
    machine["Properties"]["RoleArn"] = {"Fn::GetAtt": ["Nobody", "Arn"]}
    judged(monkeypatch, tmp_path, {"Resources": {"OrderIntake": machine}})

    verdict = lint.check("cfn-lint translated template")

    assert not verdict.passed
    assert "Missing 'Next' target 'Nowhere' at /StartAt" in verdict.output
    assert "'Nobody' is not one of" in verdict.output


def test_the_translated_template_is_judged_by_checkov(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, of: dict[str, Any]
) -> None:
    queue = of["Resources"]["EventsDeadLetterQueue"]
    bare = {name: value for name, value in queue["Properties"].items() if "Kms" not in name}
    form = of | {"Resources": {"EventsDeadLetterQueue": queue | {"Properties": bare}}}
    judged(monkeypatch, tmp_path, form)

    verdict = lint.check("checkov translated template")

    assert not verdict.passed
    assert "CKV_AWS_27" in verdict.output


@pytest.mark.parametrize(
    ("old", "new", "judges"),
    [
        ('"Next": "Outcome"', '"Next": "Outcom"', {"amazon-states-language-service"}),
        ("{% $states.input.outcome = ", "{% $states.input.outcome = ((", {"jsonata"}),
        ('"Type": "Wait"', '"Type": "Waits"', {"asl-validator", "amazon-states-language-service"}),
        ('"MaxAttempts": 4', '"MaxAttempts": -4', {"asl-validator"}),
    ],
)
def test_the_definition_is_judged_by_itself(
    old: str, new: str, judges: set[str], tmp_path: Path, of: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    why_not = definition.missing()
    if why_not:
        pytest.skip(why_not)
    path = tmp_path / "definition.json"
    text = json.dumps(deployed_form.rendered(of), indent=2)
    assert old in text
    path.write_text(text.replace(old, new))

    assert definition.validate(str(path)) == 1
    assert judges <= {line.split(":")[0] for line in capfd.readouterr().out.splitlines()}


def test_a_machine_without_node_leaves_the_definitions_judges_out_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    why_not = definition.missing()
    assert why_not
    line = lint.Verdict("workflow definition", LEFT_OUT, why_not, 0).line
    assert line.startswith("left out  workflow definition: node is not found")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- not\n- a template\n", "is no SAM template"),
        ("Resources: {A: {Type: [", "is no SAM template"),
        (
            "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {}}\n"
            "Resources: {A: {Type: AWS::Serverless::Function, Properties: {Runtime: [1]}}}\n",
            "SAM cannot translate",
        ),
    ],
)
def test_a_broken_template_is_one_line(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=says) as error:
        deployed_form.translated(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("States: [", "is no YAML"),
        ("just words", "describes no state machine"),
        ("States: {A: '${Nothing}'}", "the template lacks"),
        ("States: {}", "it has no StartAt"),
    ],
)
def test_a_broken_definition_is_one_line(
    text: str, says: str, tmp_path: Path, of: dict[str, Any]
) -> None:
    path = tmp_path / "definition.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=says) as error:
        deployed_form.rendered(of, path)
    assert "\n" not in str(error.value)


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(
        "# A heading, `quoted`\n\n[to it](#a-heading-quoted) [or not](#another)\n"
        "[a file](missing.md)\n\n```\n[no link](at-all.md)\n```\n[plain](http://example.org)\n"
    )
    found = [problem.split(": ", 1)[1] for problem in markdown_links.problems(path)]
    assert found == [
        "#another: no such heading",
        "missing.md: no such file",
        "http://example.org: only https links",
    ]


def test_every_shell_script_and_workflow_is_linted(repository_files: list[str]) -> None:
    judged = {word for command in lint.CHECKS.values() for word in command}
    scripts = {path for path in repository_files if path.startswith(".ci/")}
    workflows = {path for path in repository_files if path.startswith(".github/workflows/")}
    assert scripts | workflows <= judged


@pytest.fixture
def repository_files() -> list[str]:
    return sources("")
