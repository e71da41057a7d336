"""Connections to a database elsewhere: only to the right server, and a lost host is noticed."""

import ctypes
import select
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from operations.deployed import Deployed
from operations.services import postgres
from order_intake.adapters import database, secrets
from order_intake.adapters.database import LoadRequest
from order_intake.domain.errors import DatabaseRefused, DatabaseUnavailable
from order_intake.domain.results import Loaded
from tests.local_cloud.database.test_orders_database import (
    CONTENT,
    HEADER,
    arn,
    file,
    lines,
    load,
    owner,
    partner,
    totals,
)

__all__ = ["arn", "file", "owner", "partner"]  # fixtures of loads

EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


@dataclass(frozen=True)
class TlsServer:
    """The local PostgreSQL behind TLS, with a certificate for `localhost`, and who signed it."""

    port: int
    authority: Path


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_certificates(folder: Path) -> None:
    for name in ("authority", "another"):
        subject = ["-subj", f"/CN={name}", "-days", "2", "-keyout", f"{name}.key"]
        openssl(folder, "req", "-x509", *EC_KEY, *subject, "-out", f"{name}.pem")
    subject = ["-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"]
    openssl(folder, "req", *EC_KEY, *subject)
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    signer = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"]
    names = ["-days", "2", "-extfile", "names"]
    openssl(
        folder, "x509", "-req", "-in", "server.csr", *signer, *names, "-out", "server.crt"
    )  # fmt: skip


class Front(socketserver.BaseRequestHandler):
    """One connection: TLS as PostgreSQL begins it, then everything to and from the real server.

    The PostgreSQL that PyPI has is built without TLS.
    """

    tls: ssl.SSLContext
    database: int

    def handle(self) -> None:
        request = self.request.recv(8)
        if request != b"\x00\x00\x00\x08\x04\xd2\x16\x2f":  # SSLRequest
            return
        self.request.sendall(b"S")
        try:
            client = self.tls.wrap_socket(self.request, server_side=True)
        except (ssl.SSLError, ConnectionError):  # the client does not trust it
            return
        with client, socket.create_connection(("127.0.0.1", self.database)) as server:
            client.settimeout(0.05)
            while select.select([server, client], [], [], 30)[0]:
                for source, target in ((client, server), (server, client)):
                    source.setblocking(False)
                    try:
                        data = source.recv(65536)
                    except (ssl.SSLWantReadError, BlockingIOError):
                        continue
                    finally:
                        source.setblocking(True)
                    if not data:
                        return
                    target.sendall(data)


@pytest.fixture(scope="module")
def tls_server(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.crt", folder / "server.key")
    port = postgres.port()
    handler = type("Behind", (Front,), {"tls": tls, "database": port})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as front:
        front.daemon_threads = True
        threading.Thread(target=front.serve_forever, daemon=True).start()
        yield TlsServer(front.server_address[1], folder / "authority.pem")
        front.shutdown()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback counts as any other place."""
    monkeypatch.setattr(database, "LOOPBACK", frozenset())


def behind_tls(arn: str, host: str, server: TlsServer) -> secrets.Database:
    return msgspec.structs.replace(secrets.read(arn, secrets.Database), host=host, port=server.port)


@pytest.mark.usefixtures("elsewhere")
def test_the_right_server_is_trusted(
    arn: str, tls_server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CA_FILE", tls_server.authority)

    with database.connect(behind_tls(arn, "localhost", tls_server)) as session:
        assert session.pgconn.ssl_in_use
        assert session.execute("SELECT count(*) >= 0 FROM order_file").fetchone() == (True,)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("authority", "host"),
    [("another", "localhost"), ("authority", "127.0.0.1"), ("no file", "localhost")],
)
def test_a_wrong_authority_or_host_name_is_refused(
    arn: str, tls_server: TlsServer, authority: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = tls_server.authority.with_name(f"{authority}.pem")
    monkeypatch.setattr(database, "CA_FILE", known)

    with pytest.raises(DatabaseRefused, match="not trusted: no certificate for its host name"):
        database.connect(behind_tls(arn, host, tls_server))


@pytest.mark.usefixtures("elsewhere")
def test_a_server_without_tls_gets_no_password(
    arn: str, tls_server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CA_FILE", tls_server.authority)

    with pytest.raises(DatabaseRefused, match="not trusted"), database.connection(arn):
        pass


def cut(session: "psycopg.Connection[Any]") -> None:
    """Lose whatever still comes to this end of a connection, as if the network were gone.

    The kernel drops it before TCP sees it (socket(7), SO_ATTACH_FILTER, with a program of one
    instruction: keep nothing), so the other end gets no answer, not even to its probes.
    """
    program = ctypes.create_string_buffer(b"\x06\x00\x00\x00\x00\x00\x00\x00", 8)  # BPF_RET 0

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    attached = bytes(Filter(1, ctypes.addressof(program)))
    with socket.socket(fileno=socket.dup(session.pgconn.socket)) as end:
        end.setsockopt(socket.SOL_SOCKET, 26, attached)  # 26: SO_ATTACH_FILTER


def seconds(of: str, settings: dict[str, int]) -> int:
    return settings[f"{of}_idle"] + settings[f"{of}_interval"] * settings[f"{of}_count"]


def test_a_lost_host_is_noticed_within_half_a_minute() -> None:
    pairs = [part.split("=") for part in database.SESSION.split() if "keepalives" in part]
    server = {name: int(value) for name, value in pairs}

    assert seconds("tcp_keepalives", server) <= 30
    assert seconds("keepalives", database.LOST_SERVER) <= 30
    assert database.LOST_SERVER["tcp_user_timeout"] <= 30_000


def test_a_load_whose_function_is_lost_gives_its_locks_up(
    arn: str, file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next try of the file loads it, though nobody has closed the connection."""
    quick = database.SESSION.replace("idle=10", "idle=1").replace("interval=5", "interval=1")
    monkeypatch.setattr(database, "SESSION", quick)
    # A lost host probes nothing, and resets no connection either.
    monkeypatch.setitem(database.LOST_SERVER, "keepalives_idle", 3600)
    monkeypatch.setitem(database.LOST_SERVER, "tcp_user_timeout", 1000)
    lost, found = threading.Event(), threading.Event()

    def silent(session: Any) -> Iterator[bytes]:
        yield HEADER + lines(2, 1)
        cut(session)
        lost.set()
        assert found.wait(60)
        yield lines(3, 1)

    def lose() -> None:
        with database.connection(arn) as session:
            database.load(session, file, totals(2), [silent(session)], LoadRequest(CONTENT))

    with ThreadPoolExecutor() as threads:
        first = threads.submit(lose)
        assert lost.wait(30)
        try:
            again = load(arn, file, totals(2), [HEADER + lines(2, 2)])
        finally:
            found.set()
        with pytest.raises(DatabaseUnavailable):
            first.result(60)
    assert isinstance(again, Loaded)
    assert not again.again


def test_a_load_whose_server_is_lost_ends(
    arn: str, file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database.LOST_SERVER, "tcp_user_timeout", 1000)

    def without_an_answer(session: Any) -> Iterator[bytes]:
        yield HEADER
        cut(session)
        yield from (lines(number, 1000) for number in range(2, 100_000_000, 1000))

    with database.named_errors(), database.connection(arn) as session:
        chunks = [without_an_answer(session)]
        with pytest.raises(psycopg.OperationalError):
            database.load(session, file, totals(2), chunks, LoadRequest(CONTENT))
