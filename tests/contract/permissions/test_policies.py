"""How far each statement of each policy in the template reaches."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template import resources

FOLDER = r"\$\{UploadsBucket\.Arn\}/(incoming|work|curated|quarantine)/.+"


def _documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, body in resources().items():
        properties = body.get("Properties", {})
        if "PolicyDocument" in properties:
            yield name, properties["PolicyDocument"]
        for policy in properties.get("Policies", []):
            yield name, policy["PolicyDocument"]


STATEMENTS = [(name, each) for name, document in _documents() for each in document["Statement"]]


EACH = pytest.mark.parametrize(
    ("owner", "statement"),
    STATEMENTS,
    ids=[f"{name}-{each.get('Sid', 'statement')}" for name, each in STATEMENTS],
)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@EACH
def test_a_key_is_used_through_one_service_or_for_one_thing(
    owner: str, statement: dict[str, Any]
) -> None:
    if any(action.startswith("kms:") for action in listed(statement["Action"])):
        names = {name for each in statement.get("Condition", {}).values() for name in each}
        bound = {name for name in names if name.startswith(("kms:Via", "kms:EncryptionContext:"))}
        said = (
            f"{owner}: {statement.get('Sid')} allows the key for anything; bind it by a condition"
        )
        assert bound, said


@EACH
def test_objects_are_reached_by_folder(owner: str, statement: dict[str, Any]) -> None:
    if statement["Effect"] == "Deny":
        return  # what is refused is refused in the whole bucket
    objects = [action for action in listed(statement["Action"]) if "Object" in action]
    for resource in listed(statement["Resource"]) if objects else []:
        said = (
            f"{owner}: {statement.get('Sid')} reaches beyond one folder of the bucket: {resource}"
        )
        assert re.fullmatch(FOLDER, resource["Fn::Sub"]), said


def test_the_bucket_refuses_what_is_not_encrypted_on_its_way_and_allows_nothing() -> None:
    policy = resources()["UploadsBucketPolicy"]["Properties"]["PolicyDocument"]
    effects = {each["Effect"] for each in policy["Statement"]}
    assert effects == {"Deny"}, "the bucket's policy must only refuse; roles allow"
    (refused,) = (each for each in policy["Statement"] if "Bool" in each["Condition"])
    assert (refused["Principal"], refused["Action"]) == ("*", "s3:*")
    assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert refused["Resource"] == [
        {"Fn::GetAtt": ["UploadsBucket", "Arn"]},
        {"Fn::Sub": "${UploadsBucket.Arn}/*"},
    ]
