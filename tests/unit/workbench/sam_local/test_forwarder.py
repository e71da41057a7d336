"""The way from a bridge to loopback: who may go it, and that it is gone afterwards."""

import ipaddress
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator

import pytest

from workbench.local_cloud import ports
from workbench.sam_local.engine import Bridge
from workbench.sam_local.forwarder import open_way
from workbench.stages.errors import UserError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="`sam local` needs Linux")
ADDRESS = "127.0.0.2"  # stands for the bridge's: on Linux all of 127.0.0.0/8 is this machine
OURS = Bridge(ADDRESS, ipaddress.IPv4Network("127.0.0.0/8"))


class Upper(socketserver.StreamRequestHandler):
    """Answers each line in capitals."""

    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line.upper())


@pytest.fixture
def port() -> Iterator[int]:
    """A server on 127.0.0.1 alone."""
    with socketserver.ThreadingTCPServer((ports.HOST, 0), Upper) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def ask(port: int, text: bytes) -> bytes:
    with socket.create_connection((ADDRESS, port), timeout=5) as there:
        try:
            there.sendall(text)
            there.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: there.recv(65536), b""))
        except OSError:  # it was closed on the other side
            return b""


def test_what_comes_is_passed_on_and_back(port: int) -> None:
    large = b"x" * 1_000_000 + b"\n"
    with open_way(OURS, [port]):
        assert ask(port, b"hello\n") == b"HELLO\n"
        assert ask(port, large) == large.upper()


def test_nobody_but_the_bridges_containers_gets_through(port: int) -> None:
    other = Bridge(ADDRESS, ipaddress.IPv4Network("172.17.0.0/16"))
    with open_way(other, [port]):
        assert ask(port, b"hello\n") == b""


def test_where_nothing_listens_nothing_answers() -> None:
    nobody = ports.free()
    with open_way(OURS, [nobody]):
        assert ask(nobody, b"hello\n") == b""


def test_it_is_gone_afterwards(port: int) -> None:
    with open_way(OURS, [port]):
        kept = socket.create_connection((ADDRESS, port), timeout=5)
    with kept:
        assert kept.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        ask(port, b"hello\n")


def test_a_port_that_is_taken_is_reported(port: int) -> None:
    with socket.socket() as other:
        other.bind((ADDRESS, port))
        other.listen()

        with pytest.raises(UserError, match=f"{ADDRESS}:{port} is taken"), open_way(OURS, [port]):
            pass
