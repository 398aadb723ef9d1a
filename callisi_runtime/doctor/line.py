"""Checks of LiveKit's trunks and rules: do calls come in to this agent and go back in time, are people dialled?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callisi_runtime.doctor.livekit import Held, seconds_of, the_held
from callisi_runtime.doctor.result import Ended, Result, ok, problem, skipped, warning

if TYPE_CHECKING:
    from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo

    from callisi_runtime.doctor.patient import Patient
    from callisi_runtime.spec import AgentSpec

LONGEST_RING = 60.0
"""Seconds; a carrier's own emergency route comes too late after more."""


async def inbound_trunk(patient: Patient) -> list[Result]:
    """Whether calls to our number come to this agent."""
    spec, held = patient.known_spec(), await the_held(patient)
    found: list[Result] = []
    for trunk in (trunks := taking_calls(held, numbers_of(patient, spec))):
        found += dispatched(trunk, held, spec.name)
    if not trunks:
        numbers = ", ".join(sorted(numbers_of(patient, spec))) or "any number"
        what = f"no inbound trunk takes calls to {numbers}"
        found.append(problem(what, f"{provision(patient)}, or set TWILIO_PHONE_NUMBER to the number it has"))
    return found


async def ringing_timeout(patient: Patient) -> list[Result]:
    """Whether a caller is given back to the carrier when nobody can take the call."""
    spec, held = patient.known_spec(), await the_held(patient)
    found: list[Result] = []
    for trunk in taking_calls(held, numbers_of(patient, spec)):
        seconds = seconds_of(trunk.ringing_timeout)
        if not 0 < seconds <= LONGEST_RING:
            what = f"`{name_of(trunk)}` lets callers ring for {seconds or 180:.0f} s when no worker takes the call"
            found.append(problem(what, f"{provision(patient)}: the trunk's ringing_timeout becomes 20 s"))
        if not seconds_of(trunk.max_call_duration):
            what = f"`{name_of(trunk)}` has no max_call_duration: a forgotten leg costs money for hours"
            found.append(warning(what, provision(patient)))
    return found or [ok("calls that nobody takes go back to the carrier in time")]


async def outbound_trunk(patient: Patient) -> list[Result]:
    """Whether people can be dialled: one trunk of the declared name, with a way to prove who we are."""
    spec, held = patient.known_spec(), await the_held(patient)
    if spec.transfer is None:
        return [skipped("this agent puts nobody through")]
    trunk = dialling_trunk(patient, spec.transfer.trunk, held)
    name = spec.transfer.trunk
    if not trunk.numbers:
        return [problem(f"`{name}` has no number to call from", provision(patient))]
    if not trunk.auth_username and trunk.address.endswith(".twilio.com"):
        what = f"`{name}` has no user: Twilio refuses its calls"
        return [problem(what, f"{provision(patient)}: it gets the user of Twilio's credential list")]
    return [ok(f"`{name}` dials over {trunk.address}")]


def dialling_trunk(patient: Patient, wanted: str, held: Held) -> SIPOutboundTrunkInfo:
    """The one outbound trunk of this name or id. Raises Ended when there is none, or more than one."""
    found = [one for one in held.outbound if wanted in (one.sip_trunk_id, one.name)]
    if not found:
        names = ", ".join(sorted(one.name or one.sip_trunk_id for one in held.outbound)) or "none"
        what = f"there is no outbound trunk `{wanted}`; there are: {names}"
        raise Ended(problem(what, f"{provision(patient)}, or set SIP_TRUNK_NAME to one of them"))
    if len(found) > 1:
        ids = ", ".join(one.sip_trunk_id for one in found)
        what = f"{len(found)} outbound trunks are called `{wanted}`: {ids}"
        raise Ended(problem(what, "delete all but one, or set SIP_TRUNK_NAME to an id"))
    return found[0]


def numbers_of(patient: Patient, spec: AgentSpec) -> set[str]:
    """Our own numbers, that callers ring."""
    from callisi_runtime.phone import is_example, normalise

    declared = {normalise(patient.settings.twilio_phone_number).e164, *spec.business.numbers}
    return {one for one in declared if one and not is_example(one)}


def taking_calls(held: Held, numbers: set[str]) -> list[SIPInboundTrunkInfo]:
    """The inbound trunks that a call to one of our numbers comes in by."""
    from callisi_runtime.phone import normalise

    return [
        trunk
        for trunk in held.inbound
        if not trunk.numbers or not numbers or numbers & {normalise(one).e164 for one in trunk.numbers}
    ]


def dispatched(trunk: SIPInboundTrunkInfo, held: Held, agent: str) -> list[Result]:
    """Where calls of this trunk go."""
    rules = [one for one in held.rules if not one.trunk_ids or trunk.sip_trunk_id in one.trunk_ids]
    name = name_of(trunk)
    if not rules:
        mend = f"callisi provision makes one, with the agent name `{agent}`"
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


def provision(patient: Patient) -> str:
    """The command that mends what belongs to the line itself."""
    return f"callisi provision {patient.agent or 'AGENT'} --apply"
