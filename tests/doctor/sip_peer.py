"""A SIP service that says 200 to OPTIONS, and notes what it was asked."""

from __future__ import annotations

import asyncio
from typing import Self


class SipPeer:
    """An async context manager; `says` is the first line of its answers, None: it never answers."""

    def __init__(self, says: str | None = "SIP/2.0 200 OK") -> None:
        self.says = says
        self.asked: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(request)
        if self.says is None:
            await reader.read()
        else:
            writer.write(f"{self.says}\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()
