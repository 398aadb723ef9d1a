"""Workers that register at the loopback LiveKit: they learn the server's version, and are sent nothing."""

from __future__ import annotations

import contextlib
import secrets
from typing import Final

from aiohttp import WSMsgType, web
from livekit.protocol import agent as pb_agent
from livekit.protocol import models as pb_models

VERSION: Final = "1.13.5"


class Workers:
    """`GET /agent` as a WebSocket: a worker registers, and stays until it leaves."""

    def __init__(self) -> None:
        self.version = VERSION
        """What the server says it is."""
        self.registered: list[str] = []
        """The agents' names of all who came, in order."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One worker's line; its token has been looked at."""
        line = web.WebSocketResponse()
        await line.prepare(request)
        with contextlib.suppress(ConnectionError):
            async for message in line:
                if message.type is not WSMsgType.BINARY:
                    break
                said = pb_agent.WorkerMessage.FromString(message.data)
                if said.HasField("register"):
                    self.registered.append(said.register.agent_name)
                    await line.send_bytes(self._welcome().SerializeToString())
        return line

    def _welcome(self) -> pb_agent.ServerMessage:
        server = pb_models.ServerInfo(version=self.version, protocol=17, agent_protocol=1)
        worker_id = f"AW_{secrets.token_hex(6)}"
        answer = pb_agent.RegisterWorkerResponse(worker_id=worker_id, server_info=server)
        return pb_agent.ServerMessage(register=answer)
