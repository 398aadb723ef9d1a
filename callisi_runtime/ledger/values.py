"""What the ledger holds, as frozen values: calls, notifications with their route, obligations, attempts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NoteState = Literal["armed", "due", "waiting", "unclaimed", "done", "dead", "cancelled"]
"""A notification's life.

`armed` waits for the call to settle it, and fires by itself when the call died. `due` is to be sent.
`waiting` was taken by the provider, whose report is outstanding. `unclaimed` reached somebody who has not taken
the callback over, and goes to the next step at its time; after the last it is dead. `done`, `dead` and
`cancelled` are ends.
"""

LIVE_STATES: tuple[NoteState, ...] = ("armed", "due", "waiting", "unclaimed")

Kind = Literal["callback", "info"]
"""What a notification is for: somebody must call back, or somebody should know. Only the first keeps a promise."""

Evidence = Literal["accepted_by_person", "message_accepted", "message_delivered", "served", "withdrew"]
"""What closes an obligation: a person took the call, staff got a message, the caller was served or left."""

EVIDENCE: tuple[str, ...] = get_args(Evidence)

Accept = Literal["sent", "delivered"]
"""What counts as reaching staff: the provider took the message, or the provider reported its arrival."""

_REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def reference_for(note_id: str) -> str:
    """Four letters and digits that stand in the message, for staff to quote and for us to find it again.

    The same note always gets the same reference, so a process that resumes a call writes the same text.
    """
    digest = hashlib.sha256(note_id.encode()).digest()
    return "".join(_REFERENCE_LETTERS[byte % len(_REFERENCE_LETTERS)] for byte in digest[:4])


def safety_id(call_id: str) -> str:
    """The id of the note that goes out when the call breaks off."""
    return f"{call_id}:0"


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call. `id` is LiveKit's `sip.callID`, so that a restarted entrypoint recognises its call."""

    id: str
    agent: str
    caller: str | None
    """E.164, or None when the caller shows no number."""
    started: float
    """Unix seconds."""
    room: str
    epoch: int = 0
    """Counts the processes that have carried this call: only the highest one may end the room."""
    phase: str | None = None
    """The flow's state name when it was last saved."""
    state: Mapping[str, object] | None = None
    """The flow's state as JSON, enough for a successor to go on."""
    outcome: str | None = None
    ended: float | None = None
    transcript: Sequence[object] | None = None
    carrier_id: str | None = None
    """The carrier's own id of the caller's leg: Twilio's call sid."""


@dataclass(frozen=True, slots=True)
class Step:
    """One channel of a route, as it stood in the YAML when the call came in."""

    channel: str
    """A key of `notify.CHANNELS`: sms, whatsapp, email, webhook."""
    to: str
    """E.164, an e-mail address, or a URL."""
    sender: str | None = None
    """From whom; None takes the channel's own default."""
    options: Mapping[str, object] = field(default_factory=dict)
    """What only this channel knows: `validity`, `content_sid`, `sandbox` ..."""
    tries: int = 4
    """How often this step is tried before the next one."""
    confirm: float = 600.0
    """Seconds to wait for the provider's report before the next step."""
    accept: Accept = "sent"

    def as_json(self) -> dict[str, object]:
        """The step as the JSON object stored in the note's route."""
        return {
            "channel": self.channel,
            "to": self.to,
            "sender": self.sender,
            "options": dict(self.options),
            "tries": self.tries,
            "confirm": self.confirm,
            "accept": self.accept,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Step:
        """The step that `as_json` wrote."""
        return cls(**data)  # type: ignore[arg-type]  # written by as_json


@dataclass(frozen=True, slots=True)
class Note:
    """One notification: what is to be said, and the route it takes.

    `body` is plain JSON: `{"texts": [...], "facts": {...}}`. `texts` has one entry per step of the route,
    by index: a plain string, or an object with `text` (all channels), `variables` (WhatsApp template),
    `subject` and `html` (e-mail). `facts` is what a webhook passes on: caller, time, outcome, subject.
    """

    id: str
    """The idempotency key, `<call_id>:<rule>`."""
    call_id: str
    agent: str
    body: Mapping[str, object]
    route: tuple[Step, ...]
    reference: str
    """`reference_for(id)`; stands in the text."""
    created: float = 0.0
    """Unix seconds; set by the ledger."""
    kind: Kind = "callback"
    escalate: float | None = None
    """Seconds after which a callback that nobody has taken over goes to the next step; None: never."""


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A notification as the ledger holds it now."""

    note: Note
    state: NoteState
    step: int
    """Index into the route."""
    tries: int
    looks: int
    """How often the provider was asked in vain whether it has the message."""
    claim: int
    """The fencing token: what is recorded with an older one changes nothing."""
    open: bool
    """An attempt was begun whose end is not known."""
    doubt: bool
    """What `open` was when the row was claimed: look before sending."""
    due: float
    sid: str | None
    sent: float | None
    """When the current step's message was taken by the provider."""
    accepted: float | None
    """When the step had reached staff as its `accept` asks; None again when the provider takes that back."""
    error: str | None
    closed: float | None

    @property
    def at(self) -> Step:
        """The step that is being tried, or was tried last."""
        return self.note.route[min(self.step, len(self.note.route) - 1)]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the provider says about a message now."""

    status: str
    """The provider's own word: queued, sending, sent, delivered, read, undelivered, failed, canceled ..."""
    sid: str | None = None
    code: str | None = None
    """The provider's error code, when it failed."""

    @property
    def arrived(self) -> bool:
        """The message reached the device."""
        return self.status in ("delivered", "read")

    @property
    def lost(self) -> bool:
        """The message will not arrive."""
        return self.status in ("undelivered", "failed", "canceled")

    @property
    def under_way(self) -> bool:
        """The provider has handed it on, and may never say more."""
        return self.status in ("sent", "partially_delivered")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a message did not get through, and whether the same channel deserves another try."""

    text: str
    """For the operator; no number and no name in it."""
    again_after: float | None = None
    """Seconds after which the same channel is tried again; None goes on to the next."""
    times: int = 0
    """How often at most the same channel is tried again for this."""


@dataclass(frozen=True, slots=True)
class ObligationRow:
    """The open or kept promise to one caller."""

    call_id: str
    agent: str
    caller: str | None
    opened: float
    closed: float | None
    evidence: str | None
    claimed_by: str | None = None
    """Who calls back: a name of the agent file, or the address that the message went to."""
    claimed_at: float | None = None


@dataclass(frozen=True, slots=True)
class InboundRow:
    """A message that came in."""

    sid: str
    at: float
    sender: str
    body: str
    effect: str
    """See `claims.Effect`; `unknown` for a sender whom nobody had written to."""
    note_id: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """What an operator must look at."""

    dead: int
    """Notifications that reached nobody who calls back."""
    open_obligations: int
    """Callers to whom something is still promised."""
    overdue: float
    """Seconds by which the oldest due notification waits for a sender; 0 when none does."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One moment of a call."""

    at: float
    kind: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One thing that was done about a notification; append-only."""

    at: float
    step: int
    channel: str
    what: str
    """sent, found, looked, retry, rejected, gave up, delivered, undelivered, unclaimed, redriven, cancelled."""
    info: str | None
