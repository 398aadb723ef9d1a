"""The set-up guide's completion checklist: each tick is verified now, by doctor's checks and by the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import sqlalchemy as sa

from callisi_runtime.doctor.evidence import Evidence, look_for_evidence
from callisi_runtime.doctor.registry import examine
from callisi_runtime.doctor.result import Result
from callisi_runtime.doctor.threads import in_thread

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient
    from callisi_runtime.doctor.registry import Told
    from callisi_runtime.spec import AgentSpec

Found = Mapping[str, Sequence[Result]]
State = Literal["done", "open", "not_needed"]
OLD: Final = 90 * 86_400.0
"""Seconds after which a trial proves little: numbers, people and accounts change."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One line of the checklist."""

    section: str
    text: str
    state: State
    what: str
    """How that is known."""
    mend: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """For `--json`."""
        return {
            "section": self.section,
            "text": self.text,
            "state": self.state,
            "what": self.what,
            "mend": self.mend,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """A line that doctor's checks decide."""

    section: str
    text: str
    checks: tuple[str, ...]
    """It is done when each of these found something well, and no problem."""
    needed: Callable[[AgentSpec], bool] = lambda _: True
    one_suffices: bool = False
    """Whether one of them is enough, because the others may not apply."""
    also: tuple[str, ...] = ()
    """What must have found no problem, though it may not have been able to look."""


def dials(spec: AgentSpec) -> bool:
    """Whether the agent puts callers through."""
    return spec.transfer is not None


def writes(spec: AgentSpec) -> bool:
    """Whether the agent writes to staff over Twilio."""
    return uses(spec, "sms") or uses(spec, "whatsapp")


def uses(spec: AgentSpec, channel: str) -> bool:
    """Whether the agent sends messages on a channel."""
    return spec.fallback is not None and any(one.kind == channel for one in spec.fallback.channels)


ACCOUNT, TRUNK, FILE, TRIED = "Twilio account", "SIP trunk", "Configuration", "Tried"

LINES: Final = (
    Line(ACCOUNT, "the account exists and is active", ("Twilio",)),
    Line(ACCOUNT, "it has money, or is a trial that suffices", ("balance",)),
    Line(ACCOUNT, "the number is ours, and takes calls", ("number",)),
    Line(TRUNK, "there is one trunk", ("trunk",)),
    Line(TRUNK, "it leads to LiveKit", ("origination", "calls come in"), also=("SIP address",)),
    Line(TRUNK, "the number belongs to it", ("number", "trunk")),
    Line(FILE, "the environment is complete", ("agent file", "environment")),
    Line(
        FILE, "the person who is dialled is named, and can be", ("people are dialled", "termination"), dials
    ),
    Line(
        FILE,
        "the messages have a sender and somebody who gets them",
        ("SMS sender", "WhatsApp sender"),
        writes,
        one_suffices=True,
    ),
)

CHECKS_NEEDED: Final = frozenset(check for line in LINES for check in (*line.checks, *line.also))


async def tick_off(patient: Patient, told: Told | None = None) -> list[Tick]:
    """Verify the whole list now.

    Args:
        patient: With an agent.
        told: Is told of each check as it ends, as by `examine`.
    """
    found = await examine(patient, told, only=CHECKS_NEEDED)
    spec = patient.spec
    if spec is None:
        (wrong, *_) = found["agent file"]
        return [Tick(FILE, "the agent's file is right", "open", wrong.what, wrong.mend)]
    try:
        url = patient.settings.callisi_database
        evidence: Evidence | None = await in_thread(lambda: look_for_evidence(url, spec.name))
    except (sa.exc.SQLAlchemyError, OSError):
        evidence = None
    return [*(decided(line, found, spec) for line in LINES), *tried(spec, evidence, patient.agent or "AGENT")]


def decided(line: Line, found: Found, spec: AgentSpec) -> Tick:
    """A line by its checks."""
    if not line.needed(spec):
        return Tick(line.section, line.text, "not_needed", "this agent does not need it")
    for one in (one for check in (*line.checks, *line.also) for one in found[check]):
        if one.state == "problem":
            return Tick(line.section, line.text, "open", one.what, one.mend)
    seen = [check for check in line.checks if any(one.state in ("ok", "warning") for one in found[check])]
    unseen = [check for check in line.checks if check not in seen]
    if not seen or (unseen and not line.one_suffices):
        return Tick(line.section, line.text, "open", found[unseen[0]][0].what, "callisi doctor")
    well = [one for one in found[seen[-1]] if one.state in ("ok", "warning")]
    return Tick(line.section, line.text, "done", well[-1].what)


def tried(spec: AgentSpec, evidence: Evidence | None, agent: str) -> list[Tick]:
    """The lines that only a call can tick off."""
    if evidence is None:
        what, mend = "the ledger cannot be read", "callisi doctor says why"
        return [Tick(TRIED, text, "open", what, mend) for text in TRIALS]
    return [
        trial(TRIALS[0], evidence.answered, "no call was answered yet", "ring your number"),
        forwarded(spec, evidence, agent),
        *(fallback(channel, spec, evidence, agent) for channel in ("sms", "whatsapp")),
    ]


TRIALS: Final = (
    "a call is answered",
    "a caller is put through to a person",
    "the SMS arrives when nobody picks up",
    "the WhatsApp message arrives when nobody picks up",
)


def forwarded(spec: AgentSpec, evidence: Evidence, agent: str) -> Tick:
    """Putting through: dialling alone proves nothing, somebody must have taken the call."""
    text = TRIALS[1]
    if not dials(spec):
        return Tick(TRIED, text, "not_needed", "this agent puts nobody through")
    never = (
        "a person was dialled, but nobody took the call yet" if evidence.dialled else "nobody was dialled yet"
    )
    return trial(text, evidence.put_through, never, f"callisi line-test {agent}")


def fallback(channel: str, spec: AgentSpec, evidence: Evidence, agent: str) -> Tick:
    """A message counts when it arrived; that a provider took it is not enough."""
    text = TRIALS[2] if channel == "sms" else TRIALS[3]
    if not uses(spec, channel):
        return Tick(
            TRIED, text, "not_needed", f"this agent sends no {'SMS' if channel == 'sms' else 'WhatsApp'}"
        )
    taken = (evidence.sent or {}).get(channel)
    never = "one was sent, and its arrival is not reported" if taken else "none was sent yet"
    return trial(text, (evidence.delivered or {}).get(channel), never, f"callisi line-test {agent}")


def trial(text: str, at: float | None, never: str, mend: str) -> Tick:
    """A line by its last moment."""
    if at is None:
        return Tick(TRIED, text, "open", never, mend)
    when = datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")
    if time.time() - at > OLD:
        return Tick(TRIED, text, "open", f"last {when}: long ago", mend)
    return Tick(TRIED, text, "done", f"last {when}")
