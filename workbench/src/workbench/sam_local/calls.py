"""Calling a function: with `sam local invoke`, in a warm container, or on the local cloud."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from workbench.deployment.packaging.sam import SAM
from workbench.local_cloud import ports
from workbench.sam_local.session import Session
from workbench.stages.errors import UserError
from workbench.stages.stage import ROOT
from workbench.stages.waiting import wait_until

LAMBDA_PORT = 3001
_READY_SECONDS = 180.0
_END_SECONDS = 30.0
_LONGEST = 900.0  # a function's longest timeout


@dataclass(frozen=True)
class Answer:
    """What came of a call: the payload (None: there was none), the log, and the time it took."""

    payload: Any
    log: str
    seconds: float

    @property
    def error(self) -> str | None:
        """The error's type when the handler failed."""
        # Both ways of `sam local` answer a failure as they answer a success.
        if isinstance(self.payload, dict) and "errorType" in self.payload:
            return str(self.payload["errorType"])
        return "no answer" if self.payload is None else None


def invoke(session: Session, function: str, event: Any, *options: str) -> Answer:
    """Run a function once, in a container of its own, through `sam local invoke`.

    Raises UserError when SAM itself fails.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=session.folder) as file:
        file.write(json.dumps(event))
        file.flush()
        begun = time.monotonic()
        done = subprocess.run(
            [SAM, "local", "invoke", function, "--event", file.name,
             *session.options, *options],
            cwd=ROOT, env=session.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    seconds = time.monotonic() - begun
    if done.returncode:
        raise UserError(f"`sam local invoke` failed: {_last_words(done.stderr)}")
    return Answer(_payload(done.stdout), done.stderr, seconds)


class Warm:
    """A running `sam local start-lambda`; one container waits for each function."""

    def __init__(self, port: int, log: Path):
        self._log = log
        # The container of a function takes one call at a time; nobody else answers for it.
        config = Config(read_timeout=_LONGEST, retries={"total_max_attempts": 1})
        self._client = boto3.client(
            "lambda", endpoint_url=f"http://{ports.HOST}:{port}", region_name="eu-central-1",
            aws_access_key_id="test", aws_secret_access_key="test",  # noqa: S106 - reaches SAM only
            config=config,
        )  # fmt: skip

    def invoke(self, function: str, event: Any) -> Answer:
        """Call a function and wait for what it answers."""
        before = self._log.stat().st_size
        begun = time.monotonic()
        answer = self._client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        payload = answer["Payload"].read()
        seconds = time.monotonic() - begun
        with self._log.open("rb") as log:
            log.seek(before)
            return Answer(_payload(payload.decode()), log.read().decode(errors="replace"), seconds)


@contextlib.contextmanager
def warm_containers(session: Session) -> Iterator[Warm]:
    """Run `sam local start-lambda` with a warm container for each function inside the block."""
    port = ports.choose("SAM_LOCAL_PORT", LAMBDA_PORT)
    log = session.folder / "start-lambda.log"
    command = [str(SAM), "local", "start-lambda", "--host", ports.HOST, "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--warm-containers", "EAGER", *session.options],
            cwd=ROOT, env=session.environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_ready(process, port, log)
        yield Warm(port, log)
    finally:
        _end(process)


def on_local_cloud(session: Session, function: str, event: Any) -> Answer:
    """Call the function that is deployed on the local cloud."""
    deployed = session.deployed
    begun = time.monotonic()
    answer = deployed.stage.client("lambda").invoke(
        FunctionName=f"{deployed.stage.prefix}-{function}", Payload=json.dumps(event).encode()
    )
    payload = json.loads(answer["Payload"].read())
    return Answer(payload, "", time.monotonic() - begun)


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    def answers() -> bool:
        if process.poll() is not None:
            words = _last_words(log.read_text(errors="replace"))
            raise UserError(f"`sam local start-lambda` ended: {words}")
        return not ports.is_free(port)

    wait_until(answers, "warm containers", _READY_SECONDS)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End SAM, which takes its containers along; what it leaves goes with the session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _payload(text: str) -> Any:
    """The answer on the last line that is one; None when there is none (a timeout)."""
    for line in reversed(text.strip().splitlines()):
        with contextlib.suppress(ValueError):
            return json.loads(line)
    return None


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error")]
    return (errors or lines or ["it said nothing"])[-1]
