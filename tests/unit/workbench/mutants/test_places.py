"""A value is found with its path, changed where it stands, and cut out without its neighbours."""

import tomllib
from typing import Any

import pytest
import yaml

from workbench.mutants import places
from workbench.mutants.changes import become, lost
from workbench.mutants.places import Place

YAML = """\
# ü: a byte is no character
A:
  one: 1 # why
  list:
    - Sid: Read
      Action: [a, b]
    # about the second
    - Sid: Write
      Action: c
  last: >-
    many
    lines

# of B
B: {x: 1, y: 2}
"""
TERRAFORM = """\
# ü
resource "aws_kms_key" "data" {
  enable_key_rotation = true
}
data "aws_iam_policy_document" "key" {
  statement {
    sid     = "Use"
    actions = ["kms:Encrypt", "kms:Decrypt"]
    condition {
      variable = "aws:SourceArn"
      values   = [local.arn]
    }
  }
}
locals {
  handover = { "keys/data" = aws_kms_key.data.arn }
}
"""
TOML = """\
name = "ünal"
[terms]
tolerance = "0.01"
"""


def named(found: list[Place]) -> dict[str, Place]:
    return {place.name: place for place in found}


def test_values_of_yaml_are_found_by_key_and_by_name() -> None:
    found = named(places.of_yaml(YAML))
    assert found["A.one"].source == "1"
    assert found["A.list.Read.Action.1"].source == "b"
    assert found["A.list.Write.Action"].source == "c"
    assert found["A.last"].source == ">-\n    many\n    lines"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("A.one", ["A", "one"]),
        ("A.last", ["A", "last"]),
        ("A.list.Read", ["A", "list", 0]),
        ("A.list.Write", ["A", "list", 1]),
        ("A.list.Read.Sid", ["A", "list", 0, "Sid"]),
        ("A.list.Read.Action.0", ["A", "list", 0, "Action", 0]),
        ("B", ["B"]),
        ("B.y", ["B", "y"]),
    ],
)
def test_cut_takes_one_value_and_nothing_else(name: str, path: list[Any]) -> None:
    (change,) = lost(named(places.of_yaml(YAML))[name])

    wanted = yaml.safe_load(YAML)
    inner = wanted
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    assert yaml.safe_load(change.applied(YAML)) == wanted


def test_only_value_is_not_cut_out() -> None:
    assert list(lost(named(places.of_yaml("A: {b: 1}"))["A.b"])) == []


def test_empty_file_has_no_places() -> None:
    assert places.of_yaml("") == []


REPEATED = """\
Statement:
  - &Read
    Sid: Read
    Action: [a, b]
  - *Read
  - <<: *Read
    Action: c
  - Sid: Last
    Action: &Many d
"""


def test_repeated_value_is_found_where_it_is_repeated() -> None:
    found = places.of_yaml(REPEATED)

    assert [place.source for place in found if place.name == "Statement.Read"] == [
        "Sid: Read\n    Action: [a, b]", "*Read", "<<: *Read\n    Action: c",
    ]  # fmt: skip
    alias = next(place for place in found if place.source == "*Read")
    (without,) = lost(alias)
    assert without.applied(REPEATED) == REPEATED.replace("  - *Read\n", "")
    many = named(found)["Statement.Last.Action"]
    assert become(many, "e").applied(REPEATED) == REPEATED.replace("&Many d", "&Many e")


def test_what_a_loop_makes_stands_beside_all_else() -> None:
    found = named(places.of_yaml("R: {Fn::ForEach::Fs: [F, [A, B], {'${F}Logs': {Days: 3}}]}"))

    assert found["R.${F}Logs.Days"].source == "3"


def test_values_of_terraform_are_found_by_labels() -> None:
    found = named(places.of_terraform(TERRAFORM))
    assert found["resource.aws_kms_key.data.enable_key_rotation"].source == "true"
    document = "data.aws_iam_policy_document.key.statement.Use"
    assert found[f"{document}.actions.1"].source == '"kms:Decrypt"'
    assert found[f"{document}.condition.aws:SourceArn.values.0"].source == "local.arn"
    assert found["locals.handover.keys/data"].source == "aws_kms_key.data.arn"


def test_terraform_is_changed_where_it_stands() -> None:
    found = named(places.of_terraform(TERRAFORM))
    turned = become(found["resource.aws_kms_key.data.enable_key_rotation"], "false")
    assert turned.applied(TERRAFORM) == TERRAFORM.replace("true", "false")

    document = "data.aws_iam_policy_document.key.statement.Use"
    (without,) = lost(found[f"{document}.actions.0"])
    assert 'actions = ["kms:Decrypt"]' in without.applied(TERRAFORM)
    (without,) = lost(found[f"{document}.condition.aws:SourceArn"])
    assert named(places.of_terraform(without.applied(TERRAFORM))).keys() == {
        name for name in found if "condition" not in name
    }


def test_profile_is_changed_where_it_stands() -> None:
    found = named(places.of_toml(TOML))
    (without,) = lost(found["name"])
    assert tomllib.loads(without.applied(TOML)) == {"terms": {"tolerance": "0.01"}}
    other = become(found["terms.tolerance"], '"1"')
    assert tomllib.loads(other.applied(TOML))["terms"] == {"tolerance": "1"}
