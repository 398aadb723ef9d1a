"""The real ledger in a rehearsal: the rehearsed call is written down, and its messages are really sent."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from callisi_runtime.call import Delivery
from callisi_runtime.call.ledger_books import LedgerBooks
from callisi_runtime.ledger import CallRow, Ledger
from callisi_runtime.rehearse.books import Notification, Obligation, Status, body_of

if TYPE_CHECKING:
    from callisi_runtime.call.record import Entry
    from callisi_runtime.ledger import Note, NoteRow
    from callisi_runtime.notify import Sender
    from callisi_runtime.plan import CallFacts
    from callisi_runtime.rehearse.clock import VirtualClock

REPORT_SECONDS = 20.0
"""How long the providers' reports are waited for when the call is over."""
LOOK_SECONDS = 0.2
STATUS: dict[str, Status] = {
    "done": "delivered",
    "unclaimed": "accepted",
    "waiting": "accepted",
    "dead": "failed",
}


@dataclass(frozen=True, slots=True)
class Real:
    """What a rehearsal needs to be kept and to send."""

    ledger: Ledger
    """Open, or to be opened by the call."""
    sender: Sender

    @staticmethod
    def call_id() -> str:
        """Every rehearsed call has an id of its own."""
        return f"rehearsal-{uuid4().hex[:12]}"


class RealBooks:
    """`LedgerBooks` for one rehearsed call, shown as a rehearsal shows its messages.

    Args:
        real: Ledger and sender.
        facts: The call.
        clock: The call's virtual time.
        patience: Seconds for which the call's time waits for a message to be sent.
        shown: Told of every message when it goes out and whenever its status changes.
    """

    def __init__(
        self,
        real: Real,
        facts: CallFacts,
        clock: VirtualClock,
        patience: float,
        shown: Callable[[Notification], None],
    ) -> None:
        self.real = real
        self.facts = facts
        self.clock = clock
        self.notifications: list[Notification] = []
        self.obligation = Obligation()
        self.unsettled = False
        """Everything is waited for in `finish`."""
        self.live = LedgerBooks(real.ledger, real.sender, facts.id, patience=patience)
        self._shown = shown
        self._patience = patience
        self._until: dict[int, float] = {}
        self._entries: dict[tuple[str, int], Notification] = {}

    @property
    def working(self) -> bool:
        """Whether something takes real time that the call should wait for."""
        return any(until > time.monotonic() for until in self._until.values())

    async def begin(self, agent: str) -> None:
        """Write the call down.

        Raises:
            CallisiError: the ledger cannot be used.
        """
        await self.real.ledger.open()
        row = CallRow(
            self.facts.id, agent, self.facts.caller.e164, self.real.ledger.clock(), room="rehearsal"
        )
        await self.real.ledger.begin_call(row, self.live.safety())

    # -- Books ----------------------------------------------------------------------------------------------

    async def arm(self, note: Note, due_in: float) -> None:
        """Write a message down that goes out by itself after `due_in` real seconds."""
        async with self._taking_time():
            await self.live.arm(note, due_in)

    async def settle(self, note: Note | None, *, outcome: str, send: bool, evidence: str | None) -> None:
        """Write the outcome down; the armed message is due now, or cancelled."""
        async with self._taking_time():
            await self.live.settle(note, outcome=outcome, send=send, evidence=evidence)

    async def deliver(self, note: Note) -> Delivery:
        """Send it now, over the real channels."""
        watching = asyncio.create_task(self._watch())
        try:
            async with self._taking_time(self._patience + 1.0):
                delivery = await self.live.deliver(note)
                await self._look()
                return delivery
        finally:
            watching.cancel()

    async def close(self, evidence: str) -> None:
        """Close the obligation."""
        async with self._taking_time():
            await self.live.close(evidence)

    async def busy_lately(self, agent: str, target: int, seconds: float) -> bool:
        """Whether a dial of this target, in any call, was busy lately."""
        return await self.live.busy_lately(agent, target, seconds)

    async def save(self, phase: str, state: Mapping[str, object]) -> None:
        """Keep what a successor would need."""
        await self.live.save(phase, state)

    async def tell(self, moments: Sequence[Entry]) -> None:
        """Write moments of the timeline down."""
        await self.live.tell(moments)

    async def finish(self, outcome: str, transcript: list[dict[str, object]] | None) -> None:
        """The call is over: wait for the providers' reports, for a while."""
        await self.live.finish(outcome, transcript)
        deadline = time.monotonic() + REPORT_SECONDS
        while time.monotonic() < deadline:
            rows = [row for row in await self._rows() if row.state in ("due", "waiting")]
            if not rows:
                break
            for row in rows:
                await self.real.sender.deliver_now(row.note.id, patience=LOOK_SECONDS)
            await self._look()
        await self._look()

    async def leave(self) -> None:
        """Let go of the ledger."""
        await self.real.ledger.close()

    # -- what is shown --------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _rows(self) -> list[NoteRow]:
        return await self.real.ledger.notifications(call_id=self.facts.id)

    async def _look(self) -> None:
        """Bring what is shown up to what the ledger knows."""
        for row in reversed(await self._rows()):
            if row.state in ("armed", "cancelled"):
                continue
            for step in range(row.step + 1):
                self._show(row, step)
        promises = await self.real.ledger.obligations(open_only=False)
        for promise in promises:
            if promise.call_id == self.facts.id:
                self.obligation.state = "open" if promise.closed is None else "closed"
                self.obligation.evidence = promise.evidence

    def _show(self, row: NoteRow, step: int) -> None:
        key = (row.note.id, step)
        entry = self._entries.get(key)
        if entry is None:
            where = row.note.route[step]
            entry = Notification(self.clock.now(), where.channel, where.to, body_of(row.note, where))
            self._entries[key] = entry
            self.notifications.append(entry)
            self._shown(entry)
        status: Status = STATUS.get(row.state, "pending") if step == row.step else "failed"
        if status == "pending" and row.accepted is not None:
            status = "accepted"
        if status != entry.status:
            entry.status, entry.error = status, row.error
            self._shown(entry)

    @contextlib.asynccontextmanager
    async def _taking_time(self, seconds: float = 5.0) -> AsyncIterator[None]:
        key = id(asyncio.current_task())
        self._until[key] = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._until[key]
