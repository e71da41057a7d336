"""The hand-over is read from the template, and what cannot be read is one clear line."""

from pathlib import Path

import pytest

from workbench.deployment import handover
from workbench.stages.errors import UserError

PARAMETERS = """\
Parameters:
  Stage: {Type: String, Default: local}
  JobsBusArn:
    Type: AWS::SSM::Parameter::Value<String>
    Default: /order-intake/local/buses/jobs/arn
Resources:
  Any: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Stage}}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "template.yaml"
    path.write_text(text)
    return path


def test_every_parameter_of_the_parameter_store_is_handed_over(tmp_path: Path) -> None:
    assert handover.paths(written(tmp_path, PARAMETERS)) == {"JobsBusArn": "buses/jobs/arn"}


def test_a_template_without_parameters_is_handed_nothing(tmp_path: Path) -> None:
    assert handover.paths(written(tmp_path, "Resources: {}\n")) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PARAMETERS.replace("/local/", "/prod/"), "the Default of JobsBusArn does not begin with"),
        (
            PARAMETERS.replace("Parameters:", "Parameters: ["),
            "template.yaml is not valid YAML",
        ),
    ],
)
def test_what_does_not_read_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        handover.paths(written(tmp_path, text))

    assert "\n" not in str(caught.value)


def test_values_have_the_form_of_what_they_name() -> None:
    assert handover.sample("buses/jobs/name") == "order-intake-local-jobs"
    assert handover.sample("buses/jobs/arn").endswith(":event-bus/order-intake-local-jobs")
    assert ":secret:order-intake-local/database-" in handover.sample("secrets/database/arn")


def test_a_path_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UserError, match="asks for topics/alarms/arn, which is not one of keys/"):
        handover.sample("topics/alarms/arn")
