"""A worker that registers learns the server's version; without LiveKit's token it learns nothing."""

from __future__ import annotations

import aiohttp
import pytest
from livekit import api
from livekit.protocol import agent as pb_agent

from callisi_runtime.loopback.livekit import LiveKitServer


async def register(server: LiveKitServer, grants: api.VideoGrants) -> pb_agent.ServerMessage:
    token = api.AccessToken(server.api_key, server.api_secret).with_grants(grants).to_jwt()
    said = pb_agent.WorkerMessage(register=pb_agent.RegisterWorkerRequest(agent_name="clara", version="1"))
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/agent", headers=headers) as line,
    ):
        await line.send_bytes(said.SerializeToString())
        return pb_agent.ServerMessage.FromString(await line.receive_bytes())


async def test_a_worker_registers_and_learns_the_servers_version() -> None:
    async with LiveKitServer() as server:
        answer = await register(server, api.VideoGrants(agent=True))
        assert answer.register.server_info.version == server.workers.version
        assert server.workers.registered == ["clara"]


async def test_without_the_right_to_be_an_agent_nobody_registers() -> None:
    async with LiveKitServer() as server:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await register(server, api.VideoGrants(room_list=True))
        assert server.workers.registered == []
