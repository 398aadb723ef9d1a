"""Asking LiveKit: what its SIP service holds, and which version the server is; each refusal becomes one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import aiohttp
from livekit import api
from livekit.protocol import agent as pb_agent

from callisi_runtime.doctor.result import Ended, Result, ok, problem, skipped, warning

if TYPE_CHECKING:
    from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo

    from callisi_runtime.doctor.patient import Patient

T = TypeVar("T")

NOT_SET: Final = "LiveKit is not set up"
NOT_ASKED: Final = "LiveKit was not asked: see `LiveKit`"
OLDEST: Final = (1, 9)
"""The server's versions before this one were never tried. 1.9.11 gave up a ringing telephone after two seconds."""
NEVER_DISPATCHED: Final = "callisi-doctor"
"""The name under which doctor registers for a moment; no rule sends it a call."""


@dataclass(frozen=True, slots=True)
class Held:
    """What LiveKit's SIP service holds."""

    inbound: tuple[SIPInboundTrunkInfo, ...]
    outbound: tuple[SIPOutboundTrunkInfo, ...]
    rules: tuple[SIPDispatchRuleInfo, ...]


async def reachable(patient: Patient) -> list[Result]:
    """Whether LiveKit answers and takes our key from a worker, and which version it is."""
    version = await the_version(patient)
    url = patient.settings.livekit_url
    if not version:
        return [ok(f"{url} answers and takes the key")]
    found = ok(f"{url} answers and takes the key, version {version}")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers and numbers < OLDEST:
        what = f"{url} is version {version}; older than {'.'.join(map(str, OLDEST))} was never tried"
        found = warning(what, "update livekit-server")
    return [found]


async def sip_service(patient: Patient) -> list[Result]:
    """Whether the server has its SIP service."""
    await the_held(patient)
    return [ok("LiveKit knows SIP trunks and dispatch rules")]


async def the_version(patient: Patient) -> str:
    """The server's version; empty when it does not say.

    Raises:
        Ended: LiveKit does not answer, or refuses the key.
    """
    if not patient.complete_livekit:
        raise Ended(skipped(NOT_SET))
    return await patient.once("livekit version", lambda: put(patient, register))


async def the_held(patient: Patient) -> Held:
    """The trunks and rules.

    Raises:
        Ended: LiveKit was not asked, or did not give an answer.
    """
    try:
        await the_version(patient)
    except Ended as error:
        raise error if error.result.state == "skipped" else Ended(skipped(NOT_ASKED)) from error
    return await patient.once("livekit sip", lambda: put(patient, read_held))


async def put(patient: Patient, question: Callable[[Patient], Awaitable[T]]) -> T:
    """One question.

    Raises:
        Ended: There was no answer, or none that helps.
    """
    url = patient.settings.livekit_url
    try:
        return await asyncio.wait_for(question(patient), patient.patience)
    except api.ServerError as error:
        raise Ended(refusal(url, error.status, error.message)) from error
    except aiohttp.WSServerHandshakeError as error:
        raise Ended(refusal(url, error.status, error.message)) from error
    except TimeoutError as error:
        what = f"{url} does not answer within {patient.patience:g} s"
        raise Ended(problem(what, "check LIVEKIT_URL, and that the server is not stuck")) from error
    except (aiohttp.ClientError, ValueError, OSError) as error:
        raise Ended(
            problem(f"{url} does not answer", "check LIVEKIT_URL, and that the server runs")
        ) from error


def refusal(url: str | None, status: int, message: str) -> Result:
    """What a refusal means."""
    if "sip not connected" in message:
        mend = "run livekit-sip beside it, both with the same Redis (deploy/compose.yaml does)"
        return problem(f"{url} has no SIP service", mend)
    if status in (401, 403):
        mend = (
            "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET (a pair of this project), and this machine's clock"
        )
        return problem(f"{url} refuses the key ({status})", mend)
    if status == 404:
        return problem(f"{url} is no LiveKit server, or a very old one (404)", "check LIVEKIT_URL")
    if status == 429:
        return problem(f"{url} has had too many requests (429)", "wait a minute, then ask again")
    if status >= 500:
        mend = "see the server's log, or status.livekit.io for the cloud; then ask again"
        return problem(f"{url} has a fault of its own ({status})", mend)
    return problem(f"{url} answers {status}", "see the server's log")


async def register(patient: Patient) -> str:
    """Register as a worker for a moment, as `callisi-run` does; no call comes to this name.

    It is the only request whose answer has the server's version, and it proves that workers may come.
    """
    settings = patient.settings
    grants = api.VideoGrants(agent=True)
    token = api.AccessToken(settings.livekit_api_key, settings.livekit_api_secret).with_grants(grants)
    asked = pb_agent.RegisterWorkerRequest(agent_name=NEVER_DISPATCHED, version="1")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{http_url(patient)}/agent", headers={"Authorization": f"Bearer {token.to_jwt()}"}
        ) as line,
    ):
        await line.send_bytes(pb_agent.WorkerMessage(register=asked).SerializeToString())
        answer = await line.receive()
        if answer.type is not aiohttp.WSMsgType.BINARY:
            raise aiohttp.ClientError("the server hung up")
        return str(pb_agent.ServerMessage.FromString(answer.data).register.server_info.version)


async def read_held(patient: Patient) -> Held:
    """Ask for everything at once."""
    async with client(patient) as lk:
        inbound, outbound, rules = await asyncio.gather(
            lk.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest()),
            lk.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest()),
            lk.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest()),
        )
    return Held(tuple(inbound.items), tuple(outbound.items), tuple(rules.items))


def client(patient: Patient, seconds: float = 60.0) -> api.LiveKitAPI:
    """LiveKit's own client. It sends nothing twice: a call must not be placed twice."""
    settings = patient.settings
    timeout = aiohttp.ClientTimeout(total=seconds)
    key, secret = settings.livekit_api_key, settings.livekit_api_secret
    return api.LiveKitAPI(http_url(patient), key, secret, timeout=timeout, failover=False)


def http_url(patient: Patient) -> str:
    """LIVEKIT_URL as requests want it."""
    return (patient.settings.livekit_url or "").replace("ws", "http", 1).rstrip("/")


def seconds_of(duration: Any) -> float:
    """A protobuf duration in seconds; 0 when it is not set."""
    return float(duration.seconds) + float(duration.nanos) / 1e9
