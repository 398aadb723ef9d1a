"""Which checks there are, in the order in which they are made: what is needed first comes first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from callisi_runtime.doctor import files, ledger, livekit, twilio
from callisi_runtime.doctor.patient import Patient
from callisi_runtime.doctor.result import Result, problem

Check = Callable[[Patient], Awaitable[list[Result]]]

CHECKS: dict[str, Check] = {
    "agent file": files.agent_file,
    "environment": files.environment,
    "ledger": ledger.ledger_health,
    "ledger's file": ledger.file_modes,
    "LiveKit": livekit.reachable,
    "calls come in": livekit.inbound_trunk,
    "calls go back": livekit.ringing_timeout,
    "people are dialled": livekit.outbound_trunk,
    "Twilio": twilio.account,
    "number": twilio.number,
    "SMS and WhatsApp": twilio.sender,
    "speech": files.speech_cache,
    "worker": files.worker,
    "watchdog": files.watchdog,
}
"""What is looked at -> the check. The first fills in the agent; all others only read."""


async def examine(patient: Patient) -> dict[str, list[Result]]:
    """Make every check. A check that stumbles is a problem of its own, and stops no other."""
    found: dict[str, list[Result]] = {}
    for name, check in CHECKS.items():
        try:
            found[name] = await check(patient)
        except Exception as error:
            what = f"the check itself failed ({type(error).__name__})"
            found[name] = [problem(what, "this is a mistake of ours: please report it")]
    return found
