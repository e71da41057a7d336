"""What `make watch` does for which file."""

from pathlib import Path

import pytest

from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT
from workbench.watch import bring, saved, turns


def test_a_function_or_a_profile_is_brought_without_a_deployment() -> None:
    for name in ("handlers/price_chunk.py", "partners/nordwind.toml"):
        what = saved.sorted_out([ROOT / "src/order_intake" / name])

        assert (what.code, what.deploy, what.definitions) == (True, False, ())


def test_a_definition_is_brought_by_itself() -> None:
    what = saved.sorted_out([ROOT / "statemachine/order_intake.asl.yaml"])

    assert (what.definitions, what.code, what.deploy) == (("OrderIntake",), False, False)


@pytest.mark.parametrize(
    "name", ["template.yaml", "samconfig.toml", "terraform/kms.tf", "src/requirements.txt"]
)
def test_what_sam_or_terraform_make_is_deployed(name: str) -> None:
    what = saved.sorted_out([ROOT / name])

    assert (what.deploy, what.code) == (True, False)


def test_a_scenario_is_replayed_by_itself() -> None:
    scenario = ROOT / "events/uploads/small_valid_file.toml"

    what = saved.sorted_out([scenario])

    assert what.scenarios == (scenario,)
    assert not what.deploy
    assert not what.code


@pytest.mark.parametrize(
    "name",
    [
        "src/order_intake/.price_chunk.py.swp",
        "src/order_intake/__pycache__/a.pyc",
        "terraform/tests/keys.tftest.hcl",
        "events/README.md",
        "events/functions/PriceChunk/one_chunk.json",
    ],
)
def test_nothing_is_done_for_what_is_not_deployed_or_replayed(name: str) -> None:
    assert not saved.sorted_out([ROOT / name])


def test_what_was_built_becomes_what_the_sources_are(tmp_path: Path) -> None:
    source, built = tmp_path / "src", tmp_path / "built"
    for folder in (source, built):
        (folder / "claims").mkdir(parents=True)
    (source / "claims" / "new.py").write_text("new")
    (source / "claims" / "changed.py").write_text("now")
    (built / "claims" / "changed.py").write_text("before")
    (built / "claims" / "gone.py").write_text("gone")
    (built / "library.py").write_text("installed by SAM")

    bring.mirror(source, built)

    assert {path.name: path.read_text() for path in built.rglob("*.py")} == {
        "new.py": "new", "changed.py": "now", "library.py": "installed by SAM"
    }  # fmt: skip


def test_without_a_name_the_applications_scenarios_are_replayed() -> None:
    assert [path.stem for path in turns.named("")] == ["small_valid_file", "larger_valid_file"]


def test_a_scenario_that_is_not_there_is_one_line() -> None:
    with pytest.raises(UserError, match=r"no scenario 'small_vald_file'.*mean small_valid_file"):
        turns.named("small_vald_file")
