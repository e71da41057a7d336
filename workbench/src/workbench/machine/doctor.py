"""Checks that this machine has what is needed: `make doctor`.

Runs on any Python from 3.9 on, with nothing installed.
"""

import json
import platform
import shutil
import subprocess
import sys

from workbench.machine.setup import ROOT, VERSION, check_place, find_python

TERRAFORM = (1, 11)


def python() -> str:
    """The Python that the environments are made with; exits when it is not there."""
    return f"Python {VERSION}: {find_python()}"


def terraform() -> str:
    """Terraform's version; exits when it is missing or too old for write-only arguments."""
    wanted = ".".join(map(str, TERRAFORM))
    how = f"install Terraform >= {wanted}: https://developer.hashicorp.com/terraform/install"
    path = shutil.which("terraform")
    if not path:
        sys.exit(f"error: terraform is not found; {how}")
    answer = subprocess.run([path, "version", "-json"], capture_output=True, text=True)
    try:
        version = json.loads(answer.stdout)["terraform_version"]
    except (ValueError, KeyError):
        sys.exit(f"error: `terraform version` does not answer; {how}")
    if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) < TERRAFORM:
        sys.exit(f"error: Terraform {version} is too old; {how}")
    return f"Terraform {version}: {path}"


def machine() -> str:
    """The platform; exits where nothing here runs, such as on Windows without WSL."""
    system, processor = platform.system(), platform.machine()
    if system not in ("Linux", "Darwin"):
        sys.exit(f"error: this is {system}; use Linux, WSL 2, macOS or a container")
    note = " (not tested on macOS)" if system == "Darwin" else ""
    return f"{system} on {processor}{note}"


def place() -> str:
    """Where the checkout is; exits when its path holds what programs here cannot take."""
    check_place()
    return f"checkout: {ROOT}"


def main() -> None:
    """Print one line for each thing that is there; stop at the first that is missing."""
    for check in (machine, place, python, terraform):
        print(f"doctor: {check()}", flush=True)
    engine = shutil.which("docker")
    state = "found; only `sam local` needs one" if engine else "none; only `sam local` needs one"
    print(f"doctor: container engine: {state}")


if __name__ == "__main__":
    main()
