"""Which checks there are, in the order in which they are shown, and how they are made: all at once."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from callisi_runtime.doctor import (
    account,
    alerts,
    files,
    keys,
    ledger,
    line,
    livekit,
    machine,
    messages,
    number,
    sip,
    tries,
    trunk,
    worker,
)
from callisi_runtime.doctor.patient import Patient
from callisi_runtime.doctor.result import Ended, Result, problem
from callisi_runtime.doctor.threads import in_thread

Told = Callable[[str, list[Result]], None]

QUESTIONS = 2.5
"""How many questions to a provider a check may take in a row: the provider's own sentence comes first."""
LIVE_SECONDS = 75.0
"""For what waits for a telephone or a carrier."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at."""

    look: Callable[[Patient], Awaitable[list[Result]]]
    seconds: float = 0.0
    """After so long the check is given up, or when its questions should be answered, whichever is later.

    What it asked may go on hanging, nobody waits for it.
    """


FIRST = "agent file"
"""The check that fills in the agent. All others wait for it, and for nothing else."""

CHECKS: dict[str, Check] = {
    FIRST: Check(files.agent_file),
    "environment": Check(files.environment),
    "ledger": Check(ledger.ledger_health),
    "ledger's file": Check(ledger.file_modes),
    "disk": Check(machine.disk),
    "clock": Check(machine.clock),
    "LiveKit": Check(livekit.reachable),
    "SIP service": Check(livekit.sip_service),
    "SIP address": Check(sip.sip_address),
    "calls come in": Check(line.inbound_trunk),
    "calls go back": Check(line.ringing_timeout),
    "people are dialled": Check(line.outbound_trunk),
    "Twilio": Check(account.account),
    "balance": Check(account.balance),
    "calls at a time": Check(account.calls_at_a_time),
    "number": Check(number.number),
    "caller id": Check(number.caller_id),
    "calls abroad": Check(number.voice_permission),
    "trunk": Check(trunk.trunk),
    "origination": Check(trunk.origination),
    "termination": Check(trunk.termination),
    "emergency route": Check(trunk.emergency_route),
    "recording": Check(trunk.recording),
    "SMS sender": Check(messages.sms_sender),
    "SMS abroad": Check(messages.sms_permission),
    "WhatsApp sender": Check(messages.whatsapp_sender),
    "WhatsApp template": Check(messages.templates),
    "alerts": Check(alerts.alerts),
    "speech": Check(worker.speech_cache),
    "provider keys": Check(keys.keys),
    "a message": Check(tries.messages, LIVE_SECONDS),
    "a call": Check(tries.call, LIVE_SECONDS),
    "emergency route tried": Check(tries.emergency_route, LIVE_SECONDS),
    "port": Check(machine.ports),
    "worker": Check(worker.worker),
    "watchdog": Check(worker.watchdog),
    "reports": Check(machine.reports),
}
"""What is looked at -> the check. The first fills in the agent; all others only read."""


async def examine(
    patient: Patient,
    told: Told | None = None,
    *,
    only: Collection[str] | None = None,
    longest: float | None = None,
) -> dict[str, list[Result]]:
    """Make the checks. One that stumbles or hangs is a problem of its own, and stops no other.

    Args:
        patient: What is looked at.
        told: Is told each check's findings as soon as it has ended, whichever it is.
        only: Which checks are made, besides the first; all when left out.
        longest: Seconds that any check may take at most, instead of its own deadline.

    Returns:
        The findings in the order of `CHECKS`, whichever check ended first.
    """
    found: dict[str, list[Result]] = {}

    async def make(name: str, check: Check) -> None:
        seconds = max(check.seconds, QUESTIONS * patient.patience) if longest is None else longest
        found[name] = await one(patient, check, seconds)
        if told is not None:
            told(name, found[name])

    wanted = [name for name in CHECKS if only is None or name in only or name == FIRST]
    # Loading a library is no provider's silence: it is over before any deadline begins.
    await asyncio.gather(make(FIRST, CHECKS[FIRST]), in_thread(lambda: load_libraries(patient, wanted)))
    await asyncio.gather(*(make(name, CHECKS[name]) for name in wanted if name != FIRST))
    return {name: found[name] for name in wanted}


def load_libraries(patient: Patient, wanted: Collection[str]) -> None:
    """Import what the checks will need."""
    if patient.complete_twilio:
        importlib.import_module("twilio.rest")
    if "speech" in wanted and patient.agent is not None:
        importlib.import_module("callisi_runtime.live.speech")


async def one(patient: Patient, check: Check, seconds: float) -> list[Result]:
    """Make one check; whatever happens to it is a finding."""
    try:
        return await asyncio.wait_for(check.look(patient), seconds)
    except Ended as error:
        return [error.result]
    except TimeoutError:
        return [problem(f"no answer within {seconds:g} s", "the other checks go on; try it again")]
    except Exception as error:
        what = f"the check itself failed ({type(error).__name__})"
        return [problem(what, "this is a mistake of ours: please report it")]
