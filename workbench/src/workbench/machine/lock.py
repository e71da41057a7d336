"""Locks the dependency groups of pyproject.toml: `make lock`."""

import subprocess

from workbench.machine.setup import ENVIRONMENTS, ROOT, VENVS, VERSION, environment_of_uv
from workbench.stages.errors import UserError, run

# Group → locked file. The functions' file lies where `sam build` looks for it.
FILES = {
    name: f"requirements/{name}.txt"
    for name in (*ENVIRONMENTS, "uv", "lambda", "debugger", "audit")
}
FILES["functions"] = "src/requirements.txt"


def main() -> int:
    """Resolve each group into a hashed file that names no registry."""
    for group, file in FILES.items():
        command = [
            str(VENVS / "uv" / "bin" / "uv"), "pip", "compile", "--quiet", "--universal",
            "--generate-hashes", "--no-header", "--no-annotate", "--python-version", VERSION,
            "--group", group, "--output-file", file,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, env=environment_of_uv(), stdout=subprocess.DEVNULL)
        if done.returncode:
            raise UserError(f"group {group} does not resolve; what uv said is above")
        print(f"locked {file}")
    return 0


if __name__ == "__main__":
    run(main)
