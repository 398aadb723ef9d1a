"""What stands in deploy/, run: the commands, the environment and the files of compose.yaml, and the trunks beside it.

The box has no way out, so that `use_external_ip` is off; and it is shared with whatever else runs, so that the bridge
takes calls however busy the machine is. Nothing else differs.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from google.protobuf.json_format import ParseDict
from livekit import api

from .kit.agent import RoomAgent
from .kit.box import API_KEY, API_SECRET, Server, _listens, _serves, api_client
from .kit.hearing import TONES
from .kit.lines import clear, close_rooms, rooms
from .kit.net import BRIDGE, CARRIER
from .kit.phone import Phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = pytest.mark.line

DEPLOY = Path("deploy")
OUR_NUMBER = "+4915799912345"
ENVIRON = {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
FOR_THE_BOX = {"use_external_ip": False, "max_cpu_utilization": 1.0}


def compose() -> dict[str, Any]:
    """The services, with `${NAME:?...}` filled in as compose does."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    filled = re.sub(r"\$\{(LIVEKIT_API_\w+):\?[^}]*\}", lambda match: ENVIRON[match[1]], text)
    services: dict[str, Any] = yaml.safe_load(filled)["services"]
    return services


@pytest.fixture(scope="module")
def servers(run_folder: Path) -> Iterator[dict[str, Server]]:
    """Redis, the server and the bridge, as compose.yaml starts them."""
    services = compose()
    bridge = yaml.safe_load((DEPLOY / "sip.yaml").read_text(encoding="utf-8"))
    assert bridge["use_external_ip"] is True
    own = run_folder / "deploy-sip.yaml"
    own.write_text(yaml.safe_dump(bridge | FOR_THE_BOX))
    data = run_folder / "deploy-redis"
    data.mkdir(exist_ok=True)
    assert services["livekit"]["volumes"] == ["./livekit.yaml:/etc/livekit.yaml:ro"]
    assert services["livekit"]["command"] == ["--config", "/etc/livekit.yaml"]
    health = bridge["health_port"]
    running = {
        "redis": Server(
            "redis",
            [*services["redis"]["command"], "--dir", str(data)],
            lambda: _listens(6379),
            run_folder / "deploy-redis.log",
        ),
        "livekit": Server(
            "livekit",
            ["livekit-server", "--config", str(DEPLOY / "livekit.yaml")],
            lambda: _serves(7880),
            run_folder / "deploy-livekit.log",
        ),
        "sip": Server("sip", ["livekit-sip"], lambda: _serves(health), run_folder / "deploy-sip.log"),
    }
    with pytest.MonkeyPatch.context() as environment:
        for service in ("livekit", "sip"):
            for name, value in services[service]["environment"].items():
                environment.setenv(name, value)
        environment.setenv("SIP_CONFIG_FILE", str(own))
        try:
            for server in running.values():
                server.start()
                server.wait_until_ready()
            yield running
        finally:
            for server in reversed(running.values()):
                server.stop()


@pytest.fixture
async def api_of(servers: dict[str, Server]) -> AsyncIterator[api.LiveKitAPI]:
    """The API of the server that deploy/ describes."""
    client = api_client()
    try:
        yield client
        await close_rooms(client)
        await clear(client)
    finally:
        await client.aclose()


@pytest.fixture
async def carrier() -> AsyncIterator[Phone]:
    """Rings from a port of its own: the bridge of deploy/ listens on every address of the machine."""
    async with Phone(CARRIER, 5070, number="+4930111") as phone:
        yield phone


async def provisioned(lk: api.LiveKitAPI) -> None:
    """The inbound trunk and the rule of deploy/livekit, with the number and the trunk's id filled in."""
    text = (DEPLOY / "livekit" / "inbound-trunk.json").read_text().replace("+49YOURNUMBER", OUR_NUMBER)
    trunk = await lk.sip.create_inbound_trunk(ParseDict(json.loads(text), api.CreateSIPInboundTrunkRequest()))
    text = (DEPLOY / "livekit" / "dispatch-rule.json").read_text()
    text = text.replace("ST_THE_INBOUND_TRUNK", trunk.sip_trunk_id)
    await lk.sip.create_dispatch_rule(ParseDict(json.loads(text), api.CreateSIPDispatchRuleRequest()))


async def room_of_a_call(lk: api.LiveKitAPI) -> str:
    """The first room there is."""
    async with asyncio.timeout(15):
        while not (found := await rooms(lk)):
            await asyncio.sleep(0.05)
    return found[0]


async def test_the_bridge_answers_a_call_in_a_room_that_asks_for_clara(
    api_of: api.LiveKitAPI, carrier: Phone
) -> None:
    await provisioned(api_of)
    calling = await carrier.call(f"sip:{OUR_NUMBER}@{BRIDGE}:5060")
    await calling.rings()
    room = await room_of_a_call(api_of)
    assert room.startswith("call-")
    asked = await api_of.agent_dispatch.list_dispatch(room)
    assert [one.agent_name for one in asked] == ["clara"]
    async with RoomAgent(room) as agent:
        await agent.publish_tone("clara", TONES["clara"])
        await calling.answered()
        await calling.until_tone("clara")
        await calling.hang_up()
        await agent.until("participant_disconnected sip_+4930111")


async def test_a_call_to_an_unknown_number_is_neither_answered_nor_refused(
    api_of: api.LiveKitAPI, carrier: Phone
) -> None:
    await provisioned(api_of)
    stranger = await carrier.call(f"sip:+4930999@{BRIDGE}:5060")
    known = await carrier.call(f"sip:{OUR_NUMBER}@{BRIDGE}:5060")
    await known.rings()
    await known.cancel()
    await known.over()
    assert not stranger.final.done(), stranger
    stranger.vanish()


async def test_only_sip_can_be_reached_from_another_machine(servers: dict[str, Server]) -> None:
    heard = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout
    places = {line.split()[3] for line in heard.splitlines()}
    for port in (6379, 7880):
        assert {place for place in places if place.endswith(f":{port}")} == {f"127.0.0.1:{port}"}
    assert any(place.endswith(":5060") for place in places)
