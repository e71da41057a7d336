"""`DEBUG=1`: the function runs only after a debugger has come."""

import itertools
import json
import os
import socket
import subprocess
import sys
from typing import Any, BinaryIO

from workbench.local_cloud import ports
from workbench.stages.stage import ROOT
from workbench.stages.waiting import wait_until


class Debugger:
    """As much of the debug adapter protocol as attaching takes."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._answers: BinaryIO = connection.makefile("rb")
        self._numbers = itertools.count(1)

    def send(self, command: str, **arguments: Any) -> None:
        message = {"type": "request", "command": command, "arguments": arguments}
        body = json.dumps({"seq": next(self._numbers), **message}).encode()
        self._connection.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def read(self) -> dict[str, Any]:
        """The next message; ConnectionError when there is none."""
        length = 0
        while line := self._answers.readline():
            name, _, value = line.partition(b":")
            if name == b"Content-Length":
                length = int(value)
            elif not line.strip() and length:
                message: dict[str, Any] = json.loads(self._answers.read(length))
                return message
        raise ConnectionError

    def wait_for(self, event: str) -> None:
        while self.read().get("event") != event:
            pass


def attach(port: int) -> Debugger | None:
    """A debugger that the waiting function has accepted; None while there is nobody to accept it.

    The engine takes connections to the port before anyone in the container listens.
    """
    try:
        connection = socket.create_connection((ports.HOST, port), timeout=30)
        debugger = Debugger(connection)
        debugger.send("initialize", adapterID="test", clientID="test")
        debugger.send("attach", connect={"host": ports.HOST, "port": port})
        debugger.wait_for("initialized")
    except OSError:
        return None
    return debugger


def test_a_function_waits_for_a_debugger() -> None:
    port = ports.free()
    scenario = {"FN": "PriceChunk", "EVENT": "chunk_with_a_refused_line"}
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.sam_local", "invoke"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"STAGE": "local", "DEBUG": "1", "DEBUG_PORT": str(port)} | scenario,
    )  # fmt: skip
    try:
        debugger = wait_until(lambda: attach(port), "the function waits for a debugger", 120)
        assert debugger
        assert process.poll() is None
        debugger.send("configurationDone")
        output, _ = process.communicate(timeout=120)
    finally:
        process.terminate()
        process.wait()

    assert process.returncode == 0, output
    assert output.splitlines()[-1] == "as expected"
