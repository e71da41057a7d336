"""What a deployment begins with: sources that AWS would take."""

import platform
from pathlib import Path

import pytest

from workbench.application.interface import Application
from workbench.checks import check
from workbench.deployment import build, deploy, destroy, source_template
from workbench.deployment.packaging import package, sam, samconfig
from workbench.stages.errors import UserError
from workbench.stages.stage import Stage


def test_the_projects_own_sources_are_fit() -> None:
    sam.check_sources(Stage("local"))


@pytest.mark.parametrize("command", [build.main, deploy.main])
def test_a_broken_template_stops_before_anything_is_touched(
    command: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(*_: object) -> None:
        raise AssertionError("something was touched")

    path = tmp_path / "template.yaml"
    path.write_text("Resources: {A: {Type: T, P: !GetAtt B.Arn}}")
    monkeypatch.setattr(source_template.load, "__defaults__", (path,))
    monkeypatch.setenv("WORKBENCH_LOCAL_DIR", str(tmp_path))
    monkeypatch.setattr(sam, "build", touched)
    monkeypatch.setattr(check, "before_deployment", lambda: None)  # it would say it first

    with pytest.raises(UserError, match="A refers to B, and there is no such resource"):
        command()  # type: ignore[operator]


def test_without_terraform_nothing_is_destroyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UserError, match="terraform is not found; install"):
        destroy.main()


@pytest.mark.parametrize(
    ("system", "stage", "own"),
    [("Darwin", "local", True), ("Linux", "local", False), ("Darwin", "dev", False)],
)
def test_functions_have_the_libraries_of_the_machine_that_runs_them(
    system: str, stage: str, own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / ".aws-sam" / stage / "PriceChunk"
    made.mkdir(parents=True)
    (made / "requirements.txt").touch()
    installed = []
    monkeypatch.setattr(sam, "ROOT", tmp_path)
    monkeypatch.setattr(sam, "_sam", lambda *_: None)
    monkeypatch.setattr(package, "share", lambda *_: None)
    monkeypatch.setattr(sam, "application", lambda: Application())
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(sam, "install_into", lambda *where: installed.append(where))

    sam.build(Stage(stage))

    assert installed == ([(made, made / "requirements.txt")] if own else [])


def test_all_functions_are_built_when_libraries_changed_and_one_after_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".aws-sam").mkdir()
    asked: list[tuple[str, ...]] = []
    marks = iter(["libraries", "libraries", "other libraries"])
    monkeypatch.setattr(sam, "ROOT", tmp_path)
    monkeypatch.setattr(sam, "_sam", lambda _, *arguments: asked.append(arguments[:2]))
    monkeypatch.setattr(package, "shared_by", lambda: "PriceChunk")
    monkeypatch.setattr(package, "share", lambda *_: None)
    monkeypatch.setattr(package, "libraries_mark", lambda: next(marks))
    monkeypatch.setattr(sam, "application", lambda: Application())

    for _ in range(3):
        sam.build(Stage("dev"))

    every, one = ("build", "--build-dir"), ("build", "PriceChunk")
    assert asked == [every, one, every]


@pytest.mark.parametrize("text", ["[local", "\xff"])
def test_settings_that_do_not_read_are_one_line(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "samconfig.toml").write_bytes(text.encode("latin-1"))
    monkeypatch.setattr(samconfig, "ROOT", tmp_path)

    with pytest.raises(UserError, match="cannot be read: "):
        sam.check_sources(Stage("local"))
