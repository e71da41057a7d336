"""Which ports the local cloud listens on: loopback only."""

import os
import socket

from workbench.stages.errors import UserError

HOST = "127.0.0.1"


def choose(variable: str, usual: int) -> int:
    """The port that `variable` names in the environment, else the usual one, else a free one.

    Raises UserError when the named port is none or is taken.
    """
    named = os.environ.get(variable)
    if named:
        if not (named.isdecimal() and 0 < int(named) < 65536):
            raise UserError(f"{variable}={named} is not a port: a number from 1 to 65535")
        if not is_free(int(named)):
            raise UserError(f"{variable}={named} is taken; name another port or none")
        return int(named)
    return usual if is_free(usual) else free()


def is_free(port: int) -> bool:
    """Whether nothing listens on a port of this machine's loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
