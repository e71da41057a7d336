"""Names and ARNs of a deployed stage."""

import pytest

from operations.deployed import Deployed
from workbench.stages.stage import Stage


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-central-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")],
)
def test_arns_are_of_the_regions_partition(
    monkeypatch: pytest.MonkeyPatch, region: str, partition: str
) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    deployed = Deployed(Stage("dev"), "111122223333")

    expected = f"arn:{partition}:sqs:{region}:111122223333:queue"
    assert deployed.arn("sqs", "queue") == expected
    (bucket,) = deployed.upload_event("incoming/a/b.csv", 1)["resources"]
    assert bucket == f"arn:{partition}:s3:::{deployed.bucket}"
