"""The sample service as a repository of its own: with the workbench, and no word of its names kept.

Whatever the workbench knows of a service it must read there: each copy has other logical names.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workbench.deployment import outline
from workbench.local_cloud import ports
from workbench.stages.stage import ROOT

SAMPLE = Path(__file__).with_name("sample")
SYLLABLES = ("ba", "do", "fi", "gu", "ke", "lo", "mi", "nu", "pe", "ra", "so", "tu", "vi", "wo")
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".terraform")


def logical_names(template: Path) -> list[str]:
    """Return the names that a template gives its parts: logical ids, and the ends of names."""
    whole = outline.fields(outline.whole(template))
    ids = set(outline.fields(whole["Resources"]))
    ends = set(re.findall(r"\$\{Stage\}-([A-Z]\w+)", template.read_text(encoding="utf-8")))
    return sorted(ids | ends)


def other_names(names: list[str], seed: int) -> dict[str, str]:
    """Return another name for each, of two words as logical ids have them, each only once."""
    drawn, found = random.Random(seed), dict[str, str]()  # noqa: S311 - names, no secrets
    while len(found) < len(names):
        words = ("".join(drawn.choices(SYLLABLES, k=3)).capitalize() for _ in range(2))
        if (name := "".join(words)) not in found.values():
            found[names[len(found)]] = name
    return found


def snake(name: str) -> str:
    """Return a logical id as texts of events/ have it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def rename(path: Path, names: dict[str, str]) -> None:
    """Give whatever has one of the names its other one: texts, files and folders."""
    inside = names | {snake(name): snake(other) for name, other in names.items()}
    if path.is_dir():
        for each in list(path.iterdir()):
            rename(each, names)
    else:
        word = re.compile(rf"(?<!\w)({'|'.join(inside)})(?!\w)")
        text = path.read_text(encoding="utf-8")
        path.write_text(word.sub(lambda found: inside[found[1]], text), encoding="utf-8")
    stem, *endings = path.name.split(".")
    path.rename(path.with_name(".".join([inside.get(stem, stem), *endings])))


@dataclass
class Service:
    """A copy of the sample with the workbench, and the workbench's commands run in it."""

    root: Path
    names: dict[str, str] = field(default_factory=dict)
    port: str = field(default_factory=lambda: str(ports.free()))

    @classmethod
    def copy(cls, root: Path, seed: int | None = None) -> "Service":
        """Make a copy; with a seed, under other names."""
        shutil.copytree(SAMPLE, root, ignore=LEFT_OUT)
        names = {} if seed is None else other_names(logical_names(root / "template.yaml"), seed)
        for folder in ("template.yaml", "events", "statemachines", "src", "tests") if names else ():
            rename(root / folder, names)
        shutil.copytree(ROOT / "workbench" / "src", root / "workbench" / "src")
        # This checkout's Python, environments and provider.
        shutil.copy(ROOT / ".python-version", root)
        shutil.copy(ROOT / "terraform" / ".terraform.lock.hcl", root / "terraform")
        (root / ".venv").symlink_to(ROOT / ".venv")
        return cls(root, names)

    @property
    def local_dir(self) -> Path:
        """Where its local cloud keeps all its state."""
        return self.root / "local cloud"

    def remove(self, name: str) -> None:
        """Take a file or folder out of it, if it is there."""
        path = self.root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def environment(self) -> dict[str, str]:
        """Return the environment of its commands: with nothing of this checkout."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "WORKBENCH_")) and name not in ("STAGE", "PYTHONPATH")
        }
        return kept | {
            "WORKBENCH_LOCAL_DIR": str(self.local_dir),
            "CLOUD_PORT": self.port,
        }

    @contextlib.contextmanager
    def started(self, module: str) -> Iterator[Path]:
        """Run `python -m workbench.<module>` beside the block; the file with what it prints.

        It is ended by Ctrl-C, and must end well then.
        """
        printed = self.root.parent / f"{module}.txt"
        with printed.open("w") as file:
            process = subprocess.Popen(
                [*self._python, "-m", f"workbench.{module}"], cwd=self.root, env=self.environment(),
                stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            yield printed
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(60) == 0, printed.read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)

    def begun(self, module: str) -> "subprocess.Popen[str]":
        """Start `python -m workbench.<module>` in it; what it prints is dropped."""
        return subprocess.Popen(
            [*self._python, "-m", f"workbench.{module}"], cwd=self.root, env=self.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip

    @property
    def _python(self) -> list[str]:
        # By the copy's own path to it, Python finds the copy's modules and not this checkout's.
        return [str(self.root / ".venv" / "dev" / "bin" / "python")]

    def run(self, module: str, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run `python -m workbench.<module>` in it."""
        return subprocess.run(
            [*self._python, "-m", f"workbench.{module}", *arguments],
            cwd=self.root, env=self.environment() | more,
            capture_output=True, text=True, timeout=180,
        )  # fmt: skip
