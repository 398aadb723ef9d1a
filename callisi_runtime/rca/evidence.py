"""What is known about one call: the ledger, what Twilio has on record, what LiveKit still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callisi_runtime.carrier.records import CarrierAlert, CarrierCall, CarrierMessage
    from callisi_runtime.ledger import AttemptRow, CallRow, EventRow, NoteRow


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the causes are judged by. Nothing in it is guessed: what was not asked stands in `not_asked`."""

    call: CallRow
    promise_open: bool
    timeline: Sequence[EventRow] = ()
    notes: Sequence[NoteRow] = ()
    attempts: Mapping[str, Sequence[AttemptRow]] = field(default_factory=dict)
    legs: Sequence[CarrierCall] = ()
    """The caller's leg and those to people, as Twilio has them."""
    messages: Sequence[CarrierMessage] = ()
    alerts: Sequence[CarrierAlert] = ()
    """Alerts about those legs and messages."""
    room: bool | None = None
    """Whether LiveKit still has the call's room; None: not asked."""
    present: Sequence[str] = ()
    """Who is in that room now: `agent`, `telephone`, `other`."""
    outbound_trunks: int | None = None
    """How many outbound trunks LiveKit has; None: not asked."""
    not_asked: Sequence[str] = ()
    """Who was not asked or did not answer, and why."""

    def moments(self, kind: str) -> list[EventRow]:
        """The call's moments of one kind, in order."""
        return [one for one in self.timeline if one.kind == kind]

    def outcomes(self) -> list[str]:
        """How the dials ended that nobody took, in order."""
        return [str(one.data.get("outcome")) for one in self.moments("event.LegFailed")]

    def codes(self) -> list[int]:
        """Twilio's codes about this call: of its alerts, and of its messages."""
        found = [int(one.code) for one in self.alerts if one.code.isdecimal()]
        return found + [one.error_code for one in self.messages if one.error_code is not None]
