"""The course of a call, from all who know of it, as one list in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callisi_runtime.rca.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Step:
    """One moment: seconds since the call began, who says so, and what."""

    at: float
    source: str
    what: str

    def as_dict(self) -> dict[str, object]:
        """As the JSON document has it."""
        return {"at": round(self.at, 1), "source": self.source, "what": self.what}


def story_of(evidence: Evidence) -> list[Step]:
    """Every step. No number and no word of the caller is in it."""
    steps = _ledger(evidence) + _twilio(evidence)
    if evidence.room is not None:
        after = evidence.call.ended or evidence.call.started
        last = max([one.at for one in steps] + [after - evidence.call.started])
        steps.append(Step(last, "LiveKit", _room(evidence)))
    return sorted(steps, key=lambda one: one.at)


def _room(evidence: Evidence) -> str:
    if not evidence.room:
        return "has no room of it now"
    return f"has the call's room now; in it: {', '.join(evidence.present) or 'nobody'}"


def _ledger(evidence: Evidence) -> list[Step]:
    began = evidence.call.started
    steps = [Step(0.0, "ledger", "the call began")]
    for one in evidence.timeline:
        details = " ".join(f"{name}={value}" for name, value in one.data.items())
        steps.append(Step(one.at, "ledger", f"{one.kind} {details}".strip()))
    for row in evidence.notes:
        steps.append(Step(row.note.created - began, "ledger", f"notification {row.note.id} written"))
        for tried in evidence.attempts.get(row.note.id, ()):
            said = f"{tried.channel} {tried.what}" + (f": {tried.info}" if tried.info else "")
            steps.append(Step(tried.at - began, "ledger", said))
    if evidence.call.ended is not None:
        outcome = evidence.call.outcome or "unknown"
        steps.append(Step(evidence.call.ended - began, "ledger", f"the call ended: {outcome}"))
    return steps


def _twilio(evidence: Evidence) -> list[Step]:
    began = evidence.call.started
    steps = []
    for leg in evidence.legs:
        price = "not rated yet" if leg.price is None else str(leg.price)
        what = f"leg {leg.sid} ({leg.direction}) {leg.status}, {leg.seconds} s, {price}"
        steps.append(Step(leg.at - began, "Twilio", what))
    for sent in evidence.messages:
        price = "not rated yet" if sent.price is None else str(sent.price)
        code = f", code {sent.error_code}" if sent.error_code is not None else ""
        steps.append(Step(sent.at - began, "Twilio", f"message {sent.sid} {sent.status}{code}, {price}"))
    steps += [
        Step(one.at - began, "Twilio", f"alert {one.code} about {one.about}") for one in evidence.alerts
    ]
    return steps
