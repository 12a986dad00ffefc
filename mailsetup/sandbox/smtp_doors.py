"""All SMTP doors of a sandbox, on one event loop in one thread."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from dataclasses import dataclass

from mailsetup.sandbox.outlook_door import OutlookDoor
from mailsetup.sandbox.service_doors import LoginDoor, OperatorDoor, RelayDoor, TlsDoor
from mailsetup.sandbox.smtp_door import Door
from mailsetup.sandbox.state import State

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd logs every command with its argument at INFO


@dataclass(frozen=True)
class _Opening:
    port_name: str
    door: type[Door]
    implicit_tls: bool = False


_OPENINGS = (
    _Opening("outlook_smtp", OutlookDoor),
    _Opening("smtp_starttls", LoginDoor),
    _Opening("smtp_tls", TlsDoor, implicit_tls=True),
    _Opening("smtp_plain", RelayDoor),
    _Opening("operator_smtp", OperatorDoor),
)


class SmtpDoors:
    """Opens the doors, says on which ports, and closes them."""

    def __init__(self, state: State, tls: ssl.SSLContext) -> None:
        self._state = state
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox-smtp", daemon=True)
        self._servers: list[asyncio.Server] = []

    def open(self) -> None:
        """Listens on every port in the addresses; 0 there is replaced by the free port that was taken."""
        self._thread.start()
        for opening in _OPENINGS:
            wanted = getattr(self._state.addresses, opening.port_name)
            server = asyncio.run_coroutine_threadsafe(self._listen(opening, wanted), self._loop).result()
            self._servers.append(server)
            setattr(self._state.addresses, opening.port_name, server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stops listening, ends open connections and the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _listen(self, opening: _Opening, port: int) -> asyncio.Server:
        door = opening.door(self._state)
        tls = self._tls if opening.implicit_tls else None
        return await self._loop.create_server(lambda: door.conversation(self._tls), "127.0.0.1", port, ssl=tls)

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
