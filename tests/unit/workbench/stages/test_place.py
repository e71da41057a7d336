"""A stage stays in the account, region and backend of its first deployment."""

from pathlib import Path
from typing import Any

import pytest

from workbench.stages import backend, place
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage

ANA = Stage("ana")
ARN = "arn:aws:kms:eu-west-1:111111111111:key/k"


@pytest.fixture(autouse=True)
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose stage `ana` was deployed into an account and a region."""
    monkeypatch.setenv("WORKBENCH_STAGES_DIR", str(tmp_path / "stages"))
    monkeypatch.setattr(backend, "STAGES", tmp_path / "settings")
    (tmp_path / "settings").mkdir()
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr(Stage, "account", lambda _: "111111111111")
    place.keep(ANA)
    return tmp_path


def test_the_same_place_is_fine() -> None:
    place.check(ANA)
    place.check_state(ANA, ARN)


@pytest.mark.parametrize("look", [place.check, lambda stage: place.check_state(stage, ARN)])
def test_another_account_is_one_line(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "account", lambda _: "222222222222")
    with pytest.raises(
        UserError, match=r"account 111111111111, .*222222222222: name others \(AWS_"
    ):
        look(ANA)


@pytest.mark.parametrize("look", [place.check, lambda stage: place.check_state(stage, ARN)])
def test_another_region_is_one_line(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    line = r"^stage ana lives in eu-west-1, and the settings here name us-east-1: say AWS_REGION=eu"
    with pytest.raises(UserError, match=line):
        look(ANA)


def test_another_backend_is_one_line_that_says_how_to_move(stages: Path) -> None:
    bucket = 'bucket = "states"\nregion = "eu-west-1"\n'
    (stages / "settings/development.s3.tfbackend").write_text(bucket)
    with pytest.raises(
        UserError, match=r"is in local, .* names s3://states/\S+: move it with STAG"
    ):
        place.check(ANA)


def test_a_stage_that_is_destroyed_may_live_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    place.forget(ANA)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    place.check(ANA)


def test_a_place_that_does_not_read_is_one_line() -> None:
    place.file(ANA).write_text("{")
    with pytest.raises(UserError, match="does not read; if it was destroyed by hand"):
        place.check(ANA)


def test_the_local_stage_has_none(stages: Path) -> None:
    place.keep(Stage("local"))
    place.check(Stage("local"))
    assert not list(stages.rglob("local/place.json"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('bucket = "states"\n', 'names no region; say region = "…"'),
        ('region = "eu-west-1"\n', 'names no bucket; say bucket = "…"'),
        ('bucket = "b"\nregion = "r"\nkey = "k"\n', "says key, which is the same for every stage"),
        ('bucket = "b"\nregion = "r"\nuse_lockfile = false\n', "says use_lockfile, which is the"),
    ],
)
def test_a_bucket_that_is_not_named_whole_is_one_line(text: str, says: str, stages: Path) -> None:
    (stages / "settings/ana.s3.tfbackend").write_text(text)
    with pytest.raises(UserError, match=says):
        backend.of(ANA)


def test_a_stages_own_bucket_comes_before_its_kinds(stages: Path) -> None:
    for name in ("development", "ana"):
        text = f'# of {name}\nbucket = "{name}" # theirs\nregion = "eu-west-1"\n'
        (stages / f"settings/{name}.s3.tfbackend").write_text(text)
    key = "order-intake/{}/terraform.tfstate"
    assert backend.of(ANA).address == "s3://ana/" + key.format("ana")
    assert backend.of(Stage("ben")).address == "s3://development/" + key.format("ben")
    assert backend.of(Stage("prod")).address == "local"
    assert backend.of(Stage("local")).address == "local"
