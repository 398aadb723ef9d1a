"""A mail server with TLS on loopback, enough of RFC 5321 for Python's own client."""

from __future__ import annotations

import asyncio
import ssl
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage


class SmtpServer:
    """Takes mail. `refuse` maps a command (`MAIL`, `RCPT`, `DATA`, `AUTH`) to the answer it gets instead."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._server: asyncio.Server | None = None
        self.mails: list[EmailMessage] = []
        self.logins = 0
        self.encrypted: list[bool] = []
        self.refuse: dict[str, str] = {}
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 loopback\r\n")
        try:
            while line := await reader.readline():
                command, _, _ = line.decode().strip().upper().partition(" ")
                if command in self.refuse:
                    writer.write(f"{self.refuse[command]}\r\n".encode())
                elif command == "QUIT":
                    writer.write(b"221 bye\r\n")
                    await writer.drain()
                    return
                else:
                    await self._answer(command, reader, writer)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _answer(self, command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = writer.get_extra_info("ssl_object") is not None
        answers: dict[str, Callable[[], bytes]] = {
            "EHLO": lambda: (
                b"250-loopback\r\n"
                + (b"250-AUTH PLAIN\r\n" if secure else self._offer())
                + b"250 8BITMIME\r\n"
            ),
            "STARTTLS": lambda: b"220 go\r\n",
            "AUTH": self._login,
            "DATA": lambda: b"354 go on\r\n",
        }
        writer.write(answers.get(command, lambda: b"250 ok\r\n")())
        if command == "STARTTLS" and self._context is not None:
            await writer.drain()
            await writer.start_tls(self._context)
        if command == "DATA":
            await writer.drain()
            raw = await reader.readuntil(b"\r\n.\r\n")
            self.mails.append(message_from_bytes(raw[:-5], policy=policy.default))
            self.encrypted.append(secure)
            writer.write(b"250 taken\r\n")

    def _offer(self) -> bytes:
        return b"" if self._context is None else b"250-STARTTLS\r\n"

    def _login(self) -> bytes:
        self.logins += 1
        return b"235 welcome\r\n"
