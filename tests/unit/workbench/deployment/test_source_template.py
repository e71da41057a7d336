"""The template's loops are written out, its references stay, and lines are the source's."""

from pathlib import Path

import pytest

from workbench.deployment import source_template
from workbench.stages.errors import UserError

LOOP = """\
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Parameters: {Days: {Type: Number, Default: 3}}
Conditions: {Long: !Equals [!Ref Days, 9]}
Resources:
  A: &A
    Type: AWS::SNS::Topic
  B: *A
  Fn::ForEach::Logs:
    - Name
    - [A, B]
    - ${Name}Logs:
        Type: AWS::Logs::LogGroup
        Properties:
          LogGroupName: !Sub "${Name}-${AWS::Region}"
          RetentionInDays: !Ref Days
          Tags: [{Key: of, Value: {Ref: !Sub "${Name}"}}, !GetAtt [!Sub "${Name}", Arn]]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(LOOP)
    return path


def test_a_loop_is_written_out_and_no_reference_is_resolved(path: Path) -> None:
    found = source_template.load(path)

    assert list(found["Resources"]) == ["A", "B", "ALogs", "BLogs"]
    assert found["Resources"]["BLogs"]["Properties"] == {
        "LogGroupName": {"Fn::Sub": "B-${AWS::Region}"},
        "RetentionInDays": {"Ref": "Days"},
        "Tags": [{"Key": "of", "Value": {"Ref": "B"}}, {"Fn::GetAtt": ["B", "Arn"]}],
    }
    assert found["Conditions"] == {"Long": {"Fn::Equals": [{"Ref": "Days"}, 9]}}


def test_every_resource_has_the_line_of_its_name(path: Path) -> None:
    assert source_template.lines(path) == {"A": 5, "B": 7, "ALogs": 11, "BLogs": 11}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[A, B]", "[A, C]", "refers to C, and there is no such resource"),
        ("[A, B]", "3", "template.yaml is not a template: line "),
        ("${Name}Logs", "Logs", "Duplicate Logs"),
        ("*A", "*C", "is not valid YAML: "),
    ],
)
def test_a_broken_loop_is_one_line(old: str, new: str, says: str, path: Path) -> None:
    path.write_text(LOOP.replace(old, new))

    with pytest.raises(UserError, match=says) as error:
        source_template.load(path)
    assert "\n" not in str(error.value)


def test_what_the_projects_own_says_is_kept_until_it_changes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_template, "TEMPLATE", path)
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(path.parent / "local"))
    first = source_template.load(path)
    path.with_name("other.yaml").write_text(LOOP.replace("Default: 3", "Default: 5"))
    with monkeypatch.context() as changed:
        changed.delattr(source_template, "_loaded")
        assert source_template.load(path) == first

    path.with_name("other.yaml").replace(path)
    assert source_template.load(path)["Parameters"]["Days"]["Default"] == 5
