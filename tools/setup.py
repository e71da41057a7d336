"""Makes the environments below .venv/, each from its locked, hashed requirements.

Runs on any Python from 3.9 on, with nothing installed: it is what installs the rest.
"""

import concurrent.futures
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / ".venv"
ENVIRONMENTS = ("dev", "sam", "checkov", "cloud")
VERSION = (ROOT / ".python-version").read_text().strip()


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


def _run(*command: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    if ssl.create_default_context().get_ca_certs():  # a company's proxy may have a root of its own
        environment.setdefault("UV_SYSTEM_CERTS", "true")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise RuntimeError("\n".join(lines[-8:]))


def _make(name: str, python: str) -> bool:
    """Makes one environment; False when its requirements are unchanged."""
    requirements = ROOT / "requirements" / (name + ".txt")
    folder = VENVS / name
    wanted = hashlib.sha256(requirements.read_bytes() + str(folder).encode()).hexdigest()
    mark = folder / "requirements.sha256"
    if mark.exists() and mark.read_text() == wanted:
        return False
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
    mark.write_text(wanted)
    return True


def main() -> None:
    """Makes all environments, side by side."""
    python = find_python()
    try:
        if not (VENVS / "dev").exists():
            print("setup: Python environments, about 750 MB …", flush=True)
        _make("uv", python)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            jobs = {pool.submit(_make, name, python): name for name in ENVIRONMENTS}
            for job in concurrent.futures.as_completed(jobs):
                if job.result():
                    print(f"setup: .venv/{jobs[job]}", flush=True)
    except RuntimeError as error:
        sys.exit(
            f"error: setting up the environments failed: {error}\n"
            "Is PyPI (or your mirror of it) reachable? `make setup` again goes on from here."
        )
    except KeyboardInterrupt:
        sys.exit("interrupted; `make setup` again goes on from here")


if __name__ == "__main__":
    main()
