"""The witness of one call: what was said, dialled and sent, whether it was true, and whether the caller is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from callisi_runtime.flow import Outcome
from callisi_runtime.flow.model import MAX_NOTES
from callisi_runtime.ledger.schema import obligation
from callisi_runtime.ledger.values import safety_id
from callisi_runtime.simulate.provider import Message, Provider, now, receipt_of
from callisi_runtime.simulate.report import Finding, Kind

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger, NoteRow
    from callisi_runtime.simulate.room import Phone, Room

SETTLING = 1.5
"""Seconds that a telephone may still ring after it was given up, or after a sentence was decided."""
UNWRITTEN = 4.0
"""Seconds that a slow database may take to learn what was said. What a crash swallows of it, the successor asks for."""
PROMISES = frozenset({"connecting", "notified", "trying", "noted", "ask_message"})
"""Sentences that promise something."""
NOT_REACHED = frozenset({"no_answer", "busy"})


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence that began."""

    at: float
    key: str


@dataclass(slots=True)
class Wanted:
    """What the caller is owed, seen from outside."""

    person: bool = False
    message: bool = False
    promised: bool = False
    """They were told that something is being done; since then they have not withdrawn it."""

    @property
    def anything(self) -> bool:
        """Whether somebody must see to this caller."""
        return self.person or self.message or self.promised


@dataclass(slots=True)
class Witness:
    """Watches one call from outside, and judges it at its end."""

    seed: int
    call: int
    ledger: Ledger
    call_id: str
    at_once: bool
    has_channels: bool
    open_at_start: bool = True
    wanted: Wanted = field(default_factory=Wanted)
    findings: list[Finding] = field(default_factory=list)
    story: list[tuple[float, str]] = field(default_factory=list)
    sentences: list[Said] = field(default_factory=list)
    kills: int = 0
    away: float = 0.0
    """Seconds for which nobody had the call after the last kill."""
    wishes: int = 0
    bridges: int = 0
    heard_at: float = 0.0
    """When a person was last asked for."""
    asked_again: bool = False
    """A crash swallowed the last wish; when the successor has spoken, it is the caller's turn again."""
    late_wishes: int = 0
    """How often a person was asked for when goodbye was being said already."""
    began: float = field(default_factory=now)
    room: Room = field(init=False)
    provider: Provider = field(init=False)

    def note(self, what: str) -> None:
        """Add to the story."""
        self.story.append((round(now() - self.began, 2), what))

    def find(self, kind: Kind, what: str, explanation: str | None = None) -> None:
        """Something that must not be."""
        self.note(f"{kind}: {what}")
        self.findings.append(Finding(kind, self.seed, self.call, what, explanation))

    # -- what the caller wants -------------------------------------------------------------------------------

    def wants_person(self, *, late: bool = False) -> None:
        """The caller asks for a person, and a living process hears it; `late`: while it says its last words."""
        self.note("caller asks for a person")
        self.wishes += 1
        self.heard_at = now()
        self.late_wishes += late
        self.wanted.person = True

    def taken_over(self, *, knows: bool) -> None:
        """A successor has the call; does it know that a person is wanted?"""
        swallowed = now() - self.heard_at < UNWRITTEN + self.away
        self.asked_again = not knows and swallowed and not self.wanted.promised

    def left_message(self) -> None:
        """The caller left a message."""
        self.note("caller leaves a message")
        self.heard_at = now()
        self.wanted.message = True

    def withdrew(self) -> None:
        """The caller does not want a person any more; a message they left is still theirs."""
        self.note("caller withdraws")
        self.wanted.person = False
        if not self.wanted.message:
            self.wanted.promised = False

    def bridged(self, phone: Phone, *, caller_here: bool) -> None:
        """A person has the caller."""
        self.note(f"{phone.leg} has the caller")
        if caller_here:
            self.bridges += 1
            self.wanted = Wanted()

    # -- what is said ------------------------------------------------------------------------------------------

    async def said(self, key: str) -> None:
        """A sentence begins: is it true?"""
        if not self.room.caller_here:
            return
        self.note(f"agent: {key}")
        if self.asked_again:
            self.asked_again = self.wanted.person = self.wanted.message = False
        self.sentences.append(Said(now(), key))
        if key in PROMISES and self.wanted.anything:
            self.wanted.promised = True
        why = self._untrue(key) or await self._untrue_by_ledger(key)
        if why is not None:
            self.find("false_statement", f"`{key}` was said, {why}")

    def _untrue(self, key: str) -> str | None:
        phones = [one for one in self.room.phones if one.alive]
        if key == "notified" and not self._accepted():
            return "but no channel had accepted a message"
        if key in ("still_ringing", "already_ringing") and not self._rang_lately():
            return "but no telephone rings"
        if key in NOT_REACHED:
            if not self.room.phones:
                # A process that died in the act of dialling leaves a successor who cannot know.
                return None if self.kills else "but nobody was dialled"
            stray = [one for one in phones if one.leg not in self.room.dropping]
            if stray:
                return f"but {stray[0].leg} is still {stray[0].state}"
            if key == "busy" and self.room.phones[-1].outcome is not Outcome.BUSY:
                return "but the telephone was not busy"
        if key == "closed" and self.open_at_start:
            return "but it is open"
        return None

    async def _untrue_by_ledger(self, key: str) -> str | None:
        if key not in ("trying", "failed"):
            return None
        rows = await self._notes()
        rows = [row for row in rows if row.note.id != safety_id(self.call_id)]
        if key == "failed" and 0 < len(rows) < MAX_NOTES and rows[0].accepted is not None:
            return "but the latest message was accepted"
        if key == "trying" and not any(row.state not in ("dead", "cancelled") for row in rows):
            return "but nothing is on its way"
        return None

    def _rang_lately(self) -> bool:
        return any(
            one.state == "ringing" or (one.gone is not None and now() - one.gone < SETTLING)
            for one in self.room.phones
        )

    def _accepted(self) -> list[Message]:
        return self.provider.messages

    # -- dials ---------------------------------------------------------------------------------------------------

    def dialled(self, leg: str, target: int) -> None:
        """A dial begins: is it one too many?"""
        alive = [one for one in self.room.phones if one.alive and one.leg not in self.room.dropping]
        same = [one for one in alive if one.target == target]
        if same:
            self.find(
                "duplicate_dial", f"{leg} rings target {target}, where {same[0].leg} is {same[0].state}"
            )
        elif alive and not self.at_once:
            self.find("duplicate_dial", f"{leg} is dialled while {alive[0].leg} is {alive[0].state}")

    # -- the end -------------------------------------------------------------------------------------------------

    async def judge(self) -> None:
        """The call is over, and nothing is on its way any more."""
        rows = await self._notes()
        self._judge_dials()
        self._judge_messages()
        why = await self._lost(rows)
        if why is not None:
            self.find("lost_caller", why)

    async def _lost(self, rows: list[NoteRow]) -> str | None:
        if not self.wanted.anything:
            return None
        if any(not receipt_of(one).lost for one in self.provider.messages):
            return None
        if any(row.state in ("armed", "due", "waiting", "dead") for row in rows):
            return None
        what = "was promised something" if self.wanted.promised else "wanted a person"
        if self.wanted.promised and self.has_channels:
            return f"the caller {what}, and no message says so to anybody"
        if await self._obligation_open():
            return None
        return f"the caller {what}, and the ledger shows nothing open"

    async def _obligation_open(self) -> bool:
        return await self.ledger.read(_is_open, self.call_id)

    def _judge_dials(self) -> None:
        for said in self.sentences:
            if said.key != "connecting" or self.kills:
                continue
            if not any(abs(one.dialled - said.at) < 10.0 for one in self.room.phones):
                self.find("false_statement", "`connecting` was said, but nobody was dialled")

    def _judge_messages(self) -> None:
        kept: dict[str, Message] = {}
        for message in self.provider.messages:
            earlier = kept.get(message.note)
            if earlier is not None and not self._lost_before(earlier, message.at):
                self.find(
                    "duplicate_message",
                    f"{message.note} went out on {earlier.channel} and again on {message.channel}",
                    self._explanation(earlier, message),
                )
            kept[message.note] = message
        if safety_id(self.call_id) in kept and len(kept) > 1:
            others = ", ".join(sorted(set(kept) - {safety_id(self.call_id)}))
            self.find("duplicate_message", f"the safety note went out, and {others} as well")

    def _lost_before(self, message: Message, at: float) -> bool:
        return message.fate == "stuck" or (message.fate == "undelivered" and message.fate_at <= at)

    def _explanation(self, earlier: Message, later: Message) -> str | None:
        if earlier.fate == "undelivered":
            return "the first was lost afterwards, so the second was needed"
        if later.step > earlier.step and earlier.fate == "sent":
            return "no report of its arrival within the time the file gives: the next channel"
        if self.provider.lookups_failed:
            return "the provider's look-up failed as well"
        return None

    async def _notes(self) -> list[NoteRow]:
        rows = await self.ledger.notifications(call_id=self.call_id)
        return sorted(rows, key=lambda row: row.note.id, reverse=True)


def _is_open(connection: sa.Connection, call_id: str) -> bool:
    mine = sa.and_(obligation.c.call_id == call_id, obligation.c.closed.is_(None))
    return connection.execute(sa.select(obligation.c.call_id).where(mine)).first() is not None
