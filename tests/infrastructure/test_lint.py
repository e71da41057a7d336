"""What `make lint` runs is part of `make test`: each check by itself, and that it sees flaws."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.checks import lint
from workbench.checks.linting import (
    LEFT_OUT,
    data_flow,
    definition,
    deployed_form,
    markdown_links,
    sources,
)
from workbench.deployment import outline, source_template
from workbench.stages.errors import UserError
from workbench.workflow.definition import load


# Terraform's own tests are in test_terraform.py, too.
@pytest.mark.parametrize("name", sorted(set(lint.checks()) - {lint.TERRAFORM_TEST}))
def test_check_finds_nothing(name: str) -> None:
    verdict = lint.check(name)
    assert verdict.passed, verdict.output


DEFINITION = outline.definitions()["OrderIntake"]


@pytest.fixture(scope="module")
def of() -> dict[str, Any]:
    return deployed_form.translated()


def evaluated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: dict[str, Any]) -> Path:
    """Make the checks read `form` instead of what is deployed."""
    path = tmp_path / "form.json"
    path.write_text(json.dumps(form))
    monkeypatch.setattr(deployed_form, "prepare", lambda: (path, [path]))
    return path


def test_the_translated_template_is_evaluated_by_cfn_lint_with_the_definition_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, of: dict[str, Any]
) -> None:
    broken = deployed_form.rendered(of, "OrderIntake", DEFINITION) | {"StartAt": "Nowhere"}
    machine = deployed_form.with_definition(of, "OrderIntake", broken)["Resources"]["OrderIntake"]
    machine["Properties"]["RoleArn"] = {"Fn::GetAtt": ["Nobody", "Arn"]}
    evaluated(monkeypatch, tmp_path, {"Resources": {"OrderIntake": machine}})

    verdict = lint.check("cfn-lint translated template")

    assert not verdict.passed
    assert "Missing 'Next' target 'Nowhere' at /StartAt" in verdict.output
    assert "'Nobody' is not one of" in verdict.output


def test_the_translated_template_is_evaluated_by_checkov(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, of: dict[str, Any]
) -> None:
    queue = of["Resources"]["EventsDeadLetterQueue"]
    bare = {name: value for name, value in queue["Properties"].items() if "Kms" not in name}
    form = of | {"Resources": {"EventsDeadLetterQueue": queue | {"Properties": bare}}}
    evaluated(monkeypatch, tmp_path, form)

    verdict = lint.check("checkov translated template")

    assert not verdict.passed
    assert "CKV_AWS_27" in verdict.output


@pytest.mark.parametrize(
    ("old", "new", "evaluates"),
    [
        ('"Next": "Outcome"', '"Next": "Outcom"', {"amazon-states-language-service"}),
        ("{% $states.input.outcome = ", "{% $states.input.outcome = ((", {"jsonata"}),
        ('"Type": "Wait"', '"Type": "Waits"', {"asl-validator", "amazon-states-language-service"}),
        ('"MaxAttempts": 8', '"MaxAttempts": -8', {"asl-validator"}),
    ],
)
def test_the_definition_is_evaluated_by_itself(
    old: str, new: str, evaluates: set[str], tmp_path: Path, of: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    why_not = definition.missing()
    if why_not:
        pytest.skip(why_not)
    path = tmp_path / "definition.json"
    text = json.dumps(deployed_form.rendered(of, "OrderIntake", DEFINITION), indent=2)
    assert old in text
    path.write_text(text.replace(old, new))

    assert definition.validate(str(path)) == 1
    assert evaluates <= {line.split(":")[0] for line in capfd.readouterr().out.splitlines()}


def test_a_machine_without_node_leaves_the_definitions_checks_out_and_says_so(
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
        ("- not\n- a template\n", "is not a template: it has no Resources"),
        ("", "is not a template: it has no Resources"),
        ("Transform: AWS::Serverless-2016-10-31\n", "is not a template: it has no Resources"),
        ("Resources: [A]\n", "is not a template: it has no Resources"),
        ("Resources: {A: {Type: [", "is not valid YAML: while parsing"),
        ("Resources: {A: {Type: 1}}", "resource A has no Type"),
        ("Resources: {A: {Type: T, P: [!Ref B]}}", "A refers to B, and there is no such resource"),
        ("Resources: {Abc: {Type: T, P: !GetAtt Abd.Arn}}", "to Abd, .*; is Abc meant?"),
        ("Resources: {A: {Type: T, P: !Sub 'x-${B}-${AWS::Region}'}}", "A refers to B"),
        ("Resources: {A: {Type: T}}\nOutputs: {O: {Value: !Ref B}}", "O refers to B"),
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
        ("States: [", "is not valid YAML"),
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
        deployed_form.rendered(of, "OrderIntake", path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("make", [source_template.load, load])
def test_a_missing_source_is_one_line(make: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^gone.yaml cannot be read: No such file or directory$"):
        make(tmp_path / "gone.yaml")


def test_what_a_substitution_refers_to_must_be_there(of: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(of).replace('"PriceChunk", "Arn"', '"PriceChonk", "Arn"'))
    with pytest.raises(UserError, match=r"the template refers to PriceChonk, which it does not"):
        deployed_form.rendered(broken, "OrderIntake", DEFINITION)
    del broken["Resources"]["OrderIntake"]
    with pytest.raises(UserError, match="has no state machine OrderIntake"):
        deployed_form.rendered(broken, "OrderIntake", DEFINITION)


def test_every_state_machine_is_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = (
        f"{{StartAt: A, QueryLanguage: JSONata, States: {{A: {{Type: Pass, Output: '{said}', "
        "End: true}}}"
        for said in ("{% $states.input %}", "{% $unheard %}")
    )
    machine = "Type: AWS::Serverless::StateMachine, Properties: {Role: 'arn:aws:iam::1:role/r', "
    (tmp_path / "template.yaml").write_text(
        "Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {}}\nResources:\n"
        f"  One: {{{machine}DefinitionUri: one.yaml}}}}\n"
        f"  Other: {{{machine}DefinitionUri: other.yaml}}}}\n"
    )
    (tmp_path / "one.yaml").write_text(one)
    (tmp_path / "other.yaml").write_text(other)
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path))

    template, forms = deployed_form.prepare(tmp_path / "template.yaml")

    inside = json.loads(template.read_text())["Resources"]
    assert {name: "Definition" in inside[name]["Properties"] for name in ("One", "Other")} == {
        "One": True, "Other": True
    }  # fmt: skip
    monkeypatch.setattr("sys.argv", ["data_flow", *map(str, forms)])
    assert data_flow.main() == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Other: ")
    assert "unheard" in line


def test_what_several_checks_say_alike_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    said = "error: template.yaml is not valid YAML\n"
    verdicts = [lint.Verdict(name, 1, said, 1) for name in ("sam validate", "workflow data")]

    assert lint.summarize([*verdicts, lint.Verdict("ruff", 0, "", 1)]) == 1

    out = capsys.readouterr().out
    assert out.startswith(f"--- sam validate, workflow data\n{said}")
    assert out.count(said) == 1
    assert "FAILED    workflow data (1 s)\npassed    ruff (1 s)" in out


def test_a_broken_template_keeps_no_linter_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path = Path()) -> Path:
        raise UserError("template.yaml is not valid YAML")

    monkeypatch.setattr(source_template, "load", broken)
    monkeypatch.setattr(deployed_form, "read", broken)
    named = ("template", "workflow definition", "workflow data", "sam validate")
    evaluates = [name for name in lint.checks() if any(word in name for word in named)]

    assert {lint.check(name).output for name in evaluates} == {
        "error: template.yaml is not valid YAML\n"
    }
    assert len(evaluates) == 7


@pytest.mark.parametrize("program", ["terraform", ".venv/dev/bin/ruff"])
def test_a_program_that_is_not_there_is_named(
    program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(lint.CHECKS, "gone", [str(tmp_path / program)])

    said = f"error: {Path(program).name} is not installed; run: make doctor setup\n"
    assert lint.check("gone").output == said


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("v16.0.0", "node v16.0.0 is too old"),
        ("", "node does not say its version"),
        ("?", "node ?"),
    ],
)
def test_a_node_that_is_not_fit_is_named(
    version: str, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for program in ("node", "npm"):
        (tmp_path / program).write_text(f"#!/bin/sh\necho '{version}'\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert (definition.missing() or "").startswith(says)


def test_linters_have_a_temporary_folder_of_their_own_that_goes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path))
    (tmp_path / "scratch").mkdir()
    for left in ("1-of-a-running-one", "999999999-of-a-killed-one"):
        (tmp_path / "scratch" / left).mkdir()
    says = "import os, tempfile; t = tempfile.gettempdir(); print(t, oct(os.stat(t).st_mode))"
    monkeypatch.setitem(lint.CHECKS, "says", [sys.executable, "-c", says])

    folder, mode = lint.check("says").output.split()

    assert Path(folder).parent == tmp_path / "scratch"
    assert mode.endswith("700")
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["1-of-a-running-one"]
    assert tmp_path.stat().st_mode & 0o777 == 0o700


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
    evaluated = {word for command in lint.checks().values() for word in command}
    scripts = {path for path in repository_files if path.startswith(".ci/")}
    workflows = {path for path in repository_files if path.startswith(".github/workflows/")}
    assert scripts | workflows <= evaluated


@pytest.fixture
def repository_files() -> list[str]:
    return sources("")
