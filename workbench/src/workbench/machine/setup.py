"""Makes the environments below .venv/, each from its locked, hashed requirements.

Runs on any Python from 3.9 on, with nothing installed: it is what installs the rest.
"""

import concurrent.futures
import contextlib
import fcntl
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
VENVS = ROOT / ".venv"
ENVIRONMENTS = ("dev", "sam", "checkov", "cloud")
VERSION = (ROOT / ".python-version").read_text().strip()


# initdb hands its own path to a shell, in double quotes; a colon parts the folders of PATH,
# and Python makes no environment below one.
_NOT_IN_PATHS = '"$`\\:'


def check_place(root: Path = ROOT) -> None:
    """Exit with one line where the checkout's path holds what programs here cannot take."""
    found = [letter for letter in str(root) if letter in _NOT_IN_PATHS or not letter.isprintable()]
    if found:
        sys.exit(
            f"error: the path of this checkout, {str(root)!r}, holds {found[0]!r}, which "
            "Python or a database server cannot take; move it to another folder (spaces are fine)"
        )


def find_python() -> str:
    """The path of a Python of the pinned version; exits with one line when there is none."""
    for name in (os.environ.get("PYTHON"), "python" + VERSION, "python3", "python"):
        path = shutil.which(name) if name else None
        if path and _version(path) == VERSION:
            return path
    sys.exit(
        f"error: Python {VERSION} is not found; install it (python.org, your package manager, "
        f"pyenv or `uv python install {VERSION}`) or name it: make setup PYTHON=/path/to/python"
    )


def _version(python: str) -> str:
    probe = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([python, "-c", probe], capture_output=True, text=True, cwd=ROOT)
    return answer.stdout.strip()


def environment_of_uv() -> "dict[str, str]":
    """Return the environment in which uv reaches the package registry."""
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    if ssl.create_default_context().get_ca_certs():  # a company's proxy may have a root of its own
        environment.setdefault("UV_SYSTEM_CERTS", "true")
    return environment


def _run(*command: str) -> None:
    environment = environment_of_uv()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise RuntimeError("\n".join(lines[-8:]))


def _make(name: str, python: str) -> bool:
    """Makes one environment; False when its requirements are unchanged."""
    if _is_made(name):
        return False
    requirements = ROOT / "requirements" / (name + ".txt")
    folder = VENVS / name
    shutil.rmtree(folder, ignore_errors=True)
    if name == "uv":
        _run(python, "-m", "venv", str(folder))
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        _run(*pip, "--disable-pip-version-check", "--require-hashes", "-r", str(requirements))
    else:
        uv = str(VENVS / "uv" / "bin" / "uv")
        _run(uv, "venv", "--quiet", "--no-python-downloads", "--python", python, str(folder))
        target = str(folder / "bin" / "python")
        _run(uv, "pip", "sync", "--require-hashes", "--python", target, str(requirements))
    if name == "dev":
        _let_import(folder)
    (folder / "requirements.sha256").write_text(_wanted(name))
    return True


def _let_import(folder: Path) -> None:
    """Let the environment's Python import the workbench and this checkout's operations."""
    (packages,) = folder.glob("lib/python3*/site-packages")
    up = os.path.relpath(ROOT, packages)
    (packages / "checkout.pth").write_text(f"{up}/workbench/src\n{up}\n")


def _wanted(name: str) -> str:
    requirements = ROOT / "requirements" / (name + ".txt")
    sources = requirements.read_bytes() + Path(__file__).read_bytes()
    return hashlib.sha256(sources + str(VENVS / name).encode()).hexdigest()


def _is_made(name: str) -> bool:
    mark = VENVS / name / "requirements.sha256"
    return mark.exists() and mark.read_text() == _wanted(name)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep a second `make setup` of this clone waiting: it would take away what the first makes."""
    VENVS.mkdir(exist_ok=True)
    with (VENVS / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: another command sets this clone up; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Makes all environments, side by side."""
    check_place()
    python = find_python()
    if all(_is_made(name) for name in ("uv", *ENVIRONMENTS)):
        return
    try:
        with _alone():
            _make_all(python)
    except RuntimeError as error:
        sys.exit(
            f"error: setting up the environments failed: {error}\n"
            "Is PyPI (or your mirror of it) reachable? `make setup` again goes on from here."
        )
    except KeyboardInterrupt:
        sys.exit("interrupted; `make setup` again goes on from here")


def provide(name: str) -> None:
    """Make the environment of this name, which is not one that every command needs."""
    if not _is_made(name):
        with _alone():
            _make(name, find_python())


def _make_all(python: str) -> None:
    if not (VENVS / "dev").exists():
        print("setup: Python environments, about 750 MB …", flush=True)
    _make("uv", python)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = {pool.submit(_make, name, python): name for name in ENVIRONMENTS}
        for job in concurrent.futures.as_completed(jobs):
            if job.result():
                print(f"setup: .venv/{jobs[job]}", flush=True)


if __name__ == "__main__":
    main()
