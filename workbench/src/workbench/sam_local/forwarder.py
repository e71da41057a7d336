"""A way from the container engine's bridge to this machine's loopback, for as long as it is open.

Containers cannot reach what listens on loopback only. For the ports of the local cloud, and for
nobody but the engine's own containers, this listens on the host's address in the bridge and passes
on what comes.
"""

import asyncio
import contextlib
import ipaddress
import threading
from collections.abc import Iterable, Iterator

from workbench.local_cloud.ports import HOST
from workbench.sam_local.engine import Bridge
from workbench.stages.errors import UserError

_BLOCK = 64 * 1024


@contextlib.contextmanager
def open_way(bridge: Bridge, ports: Iterable[int]) -> Iterator[None]:
    """Forward `ports` of the bridge's address to the same ports of loopback inside the block.

    Raises UserError when one of them is taken there.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="forwarder", daemon=True)
    thread.start()
    servers: list[asyncio.Server] = []
    try:
        for port in ports:
            opening = asyncio.run_coroutine_threadsafe(_listen(bridge, port), loop)
            servers.append(opening.result())
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_close(servers), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _listen(bridge: Bridge, port: int) -> asyncio.Server:
    connections: set[asyncio.Task[None]] = set()  # nobody else holds on to them

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(take(reader, writer))
        connections.add(connection)
        connection.add_done_callback(connections.discard)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # An address of this machine can be reached from its network too, whatever interface has it.
        peer = ipaddress.ip_address(writer.get_extra_info("peername")[0])
        if peer not in bridge.subnet:
            writer.close()
            return
        await _pass_on(reader, writer, port)

    try:
        return await asyncio.start_server(accept, bridge.address, port)
    except OSError as error:
        raise UserError(
            f"{bridge.address}:{port} is taken ({error.strerror}), and containers need it to reach "
            "the local cloud; end what listens there, or choose other ports: make down, then "
            "CLOUD_PORT=… make up deploy"
        ) from None


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    try:
        there, back = await asyncio.open_connection(HOST, port)
    except OSError:
        writer.close()
        return
    try:
        await asyncio.gather(_copy(reader, back), _copy(there, writer))
    finally:
        back.close()
        writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on until the source ends, which the target is then told."""
    try:
        while block := await source.read(_BLOCK):
            target.write(block)
            await target.drain()
        target.write_eof()
    except OSError:  # either end may go away at any time; the other one then has to, too
        target.close()


async def _close(servers: list[asyncio.Server]) -> None:
    for server in servers:
        server.close()
        server.close_clients()
    # Those that a connection of the last moment began come only now.
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
