"""All linters and type checks, side by side, with one summary: `make lint`."""

import concurrent.futures
import os
import subprocess
import time
from dataclasses import dataclass

from tools.errors import run
from tools.stage import LOCAL_REGION, ROOT

BIN = ROOT / ".venv" / "dev" / "bin"
CHECKOV = [
    str(ROOT / ".venv" / "checkov" / "bin" / "checkov"),
    *("--quiet", "--compact", "--skip-download"),  # it would ask its vendor for guidelines
]
CHECKS: dict[str, list[str]] = {
    "ruff": [str(BIN / "ruff"), "check", "--quiet", "."],
    "ruff format": [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
    "mypy": [str(BIN / "mypy"), "--no-error-summary"],
    "cfn-lint": [str(BIN / "cfn-lint"), "template.yaml"],
    "sam validate": [
        *(str(ROOT / ".venv" / "sam" / "bin" / "sam"), "validate", "--lint"),
        *("--template", "template.yaml", "--region", LOCAL_REGION),
    ],
    "checkov template": [*CHECKOV, "-f", "template.yaml"],
    "checkov terraform": [*CHECKOV, "-d", "terraform"],
    "terraform fmt": ["terraform", "fmt", "-check", "-diff", "-recursive", "terraform"],
    "shellcheck": [str(BIN / "shellcheck"), ".ci/run"],
}


@dataclass(frozen=True)
class Verdict:
    """What one check said, and how long it took, in seconds."""

    name: str
    passed: bool
    output: str
    seconds: float


def check(name: str) -> Verdict:
    """Run the check of this name. It may reach no network and no AWS account."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environment |= {"SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true"}
    begun = time.monotonic()
    done = subprocess.run(
        CHECKS[name],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Verdict(name, done.returncode == 0, done.stdout, time.monotonic() - begun)


def main() -> int:
    """Run all checks; 1 when any of them finds something."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        verdicts = list(pool.map(check, CHECKS))
    for verdict in verdicts:
        if not verdict.passed:
            print(f"--- {verdict.name}\n{verdict.output}")
    for verdict in verdicts:
        state = "passed" if verdict.passed else "FAILED"
        print(f"{state}  {verdict.name} ({verdict.seconds:.0f} s)")
    return 0 if all(verdict.passed for verdict in verdicts) else 1


if __name__ == "__main__":
    run(main)
