"""Checks of LiveKit: does it answer, do calls come in to this agent, can people be dialled?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from livekit import api

from callisi_runtime.doctor.patient import LiveKit, seconds_of
from callisi_runtime.doctor.result import Result, ok, problem, skipped, warning

if TYPE_CHECKING:
    from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo

    from callisi_runtime.doctor.patient import Patient
    from callisi_runtime.spec import AgentSpec

LONGEST_RING = 60.0
"""Seconds; a carrier's own emergency route comes too late after more."""


async def reachable(patient: Patient) -> list[Result]:
    """Whether LiveKit answers, with its SIP service, and takes our key."""
    if not patient.complete_livekit:
        return [skipped("LiveKit is not set up")]
    url = patient.settings.livekit_url
    try:
        await patient.livekit()
    except api.ServerError as error:
        if error.status in (401, 403):
            mend = "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET (a pair of this project), and this machine's clock"
            return [problem(f"{url} refuses the key", mend)]
        return [problem(f"{url} answers {error.code}: {error.message}", "is its SIP service running?")]
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return [problem(f"{url} does not answer", "check LIVEKIT_URL, and that the server runs")]
    return [ok(f"{url} answers and takes the key")]


async def asked(patient: Patient) -> LiveKit | None:
    """What LiveKit holds; None where the first check has said why that is not known."""
    if not patient.complete_livekit:
        return None
    try:
        return await patient.livekit()
    except (api.ServerError, aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return None


async def outbound_trunk(patient: Patient) -> list[Result]:
    """Whether people can be dialled: one trunk of the declared name, with a way to prove who we are."""
    spec, held = patient.spec, await asked(patient)
    if held is None or spec is None:
        return [skipped("no agent" if spec is None else "LiveKit was not asked")]
    if spec.transfer is None:
        return [skipped("this agent puts nobody through")]
    wanted = spec.transfer.trunk
    found = [one for one in held.outbound if wanted in (one.sip_trunk_id, one.name)]
    if not found:
        names = ", ".join(sorted(one.name or one.sip_trunk_id for one in held.outbound)) or "none"
        what = f"there is no outbound trunk `{wanted}`; there are: {names}"
        return [problem(what, "set SIP_TRUNK_NAME, or make the trunk (docs/number.md, step 5)")]
    if len(found) > 1:
        ids = ", ".join(one.sip_trunk_id for one in found)
        what = f"{len(found)} outbound trunks are called `{wanted}`: {ids}"
        return [problem(what, "delete all but one, or set SIP_TRUNK_NAME to an id")]
    trunk = found[0]
    if not trunk.numbers:
        return [problem(f"`{wanted}` has no number to call from", "give the trunk your number")]
    if not trunk.auth_username and trunk.address.endswith(".pstn.twilio.com"):
        mend = "give the trunk the user and password of Twilio's credential list"
        return [problem(f"`{wanted}` has no user: Twilio refuses its calls", mend)]
    return [ok(f"`{wanted}` dials over {trunk.address}")]


async def inbound_trunk(patient: Patient) -> list[Result]:
    """Whether calls to our number come to this agent."""
    spec, held = patient.spec, await asked(patient)
    if held is None or spec is None:
        return [skipped("no agent" if spec is None else "LiveKit was not asked")]
    found: list[Result] = []
    for trunk in (trunks := taking_calls(held, numbers_of(patient, spec))):
        found += dispatched(trunk, held, spec.name)
    if not trunks:
        numbers = ", ".join(sorted(numbers_of(patient, spec))) or "any number"
        what = f"no inbound trunk takes calls to {numbers}"
        found.append(problem(what, "make the trunk (docs/number.md, step 5), and set TWILIO_PHONE_NUMBER"))
    return found


async def ringing_timeout(patient: Patient) -> list[Result]:
    """Whether a caller is given back to the carrier when nobody can take the call."""
    spec, held = patient.spec, await asked(patient)
    if held is None or spec is None:
        return [skipped("no agent" if spec is None else "LiveKit was not asked")]
    found: list[Result] = []
    for trunk in taking_calls(held, numbers_of(patient, spec)):
        seconds = seconds_of(trunk.ringing_timeout)
        if not 0 < seconds <= LONGEST_RING:
            what = f"`{name_of(trunk)}` lets callers ring for {seconds or 180:.0f} s when no worker takes the call"
            found.append(problem(what, "set the inbound trunk's ringing_timeout to 20 s"))
        if not seconds_of(trunk.max_call_duration):
            what = f"`{name_of(trunk)}` has no max_call_duration: a forgotten leg costs money for hours"
            found.append(warning(what, "set the inbound trunk's max_call_duration to 4 h"))
    return found or [ok("calls that nobody takes go back to the carrier in time")]


def numbers_of(patient: Patient, spec: AgentSpec) -> set[str]:
    """Our own numbers, that callers ring."""
    from callisi_runtime.phone import is_example, normalise

    declared = {normalise(patient.settings.twilio_phone_number).e164, *spec.business.numbers}
    return {one for one in declared if one and not is_example(one)}


def taking_calls(held: LiveKit, numbers: set[str]) -> list[SIPInboundTrunkInfo]:
    """The inbound trunks that a call to one of our numbers comes in by."""
    from callisi_runtime.phone import normalise

    return [
        trunk
        for trunk in held.inbound
        if not trunk.numbers or not numbers or numbers & {normalise(one).e164 for one in trunk.numbers}
    ]


def dispatched(trunk: SIPInboundTrunkInfo, held: LiveKit, agent: str) -> list[Result]:
    """Where calls of this trunk go."""
    rules = [one for one in held.rules if not one.trunk_ids or trunk.sip_trunk_id in one.trunk_ids]
    name = name_of(trunk)
    if not rules:
        mend = f"make a dispatch rule for it with the agent name `{agent}` (docs/number.md, step 5)"
        return [problem(f"no dispatch rule takes the calls of `{name}`", mend)]
    own = [one for one in rules if trunk.sip_trunk_id in one.trunk_ids] or rules
    if len(own) > 1:
        ids = ", ".join(one.sip_dispatch_rule_id for one in own)
        return [problem(f"{len(own)} dispatch rules want the calls of `{name}`: {ids}", "delete all but one")]
    agents = agents_of(own[0])
    if agent not in agents:
        leads = f"to `{'`, `'.join(agents)}`" if agents else "to no agent by name"
        mend = f"set the rule's agent name to `{agent}`, the `name` in the agent's file"
        return [problem(f"the dispatch rule of `{name}` leads {leads}", mend)]
    return [ok(f"calls of `{name}` come to `{agent}`")]


def agents_of(rule: SIPDispatchRuleInfo) -> list[str]:
    """The agents that a rule sends for."""
    return [one.agent_name for one in rule.room_config.agents if one.agent_name]


def name_of(trunk: SIPInboundTrunkInfo) -> str:
    """A trunk as people know it."""
    return trunk.name or trunk.sip_trunk_id
