"""The ledger, as one live call keeps its books in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from callisi_runtime.call.books import Delivery
from callisi_runtime.errors import CallisiError
from callisi_runtime.ledger.values import EventRow

if TYPE_CHECKING:
    from callisi_runtime.call.record import Entry
    from callisi_runtime.ledger import CallRow, Ledger
    from callisi_runtime.ledger.values import Note
    from callisi_runtime.notify import Sender

log = logging.getLogger("callisi.call")

WRITE_SECONDS = 1.5
"""How long a call waits for its books before it goes on; the write itself goes on behind it."""
LAST_WRITES_SECONDS = 15.0
"""How long the process of a call that is over stays for what is not written yet."""
BUSY_SECONDS = 0.3
"""How long a dial waits for the ledger's word about earlier ones."""
LOOK_SECONDS = 1.0
"""Between two looks at a message that is still on its way."""


class LedgerBooks:
    """One call's books.

    A database that is away never stops a call: what cannot be written now is tried again behind it.

    Args:
        ledger: Open, in this process.
        sender: Sends this call's own messages at once; any other sender takes over when this process dies.
        call_id: LiveKit's `sip.callID`.
        patience: Seconds that the sender's first try may take.
        epoch: Counts the processes that have had this call; an older one's memory changes nothing.
    """

    def __init__(
        self, ledger: Ledger, sender: Sender, call_id: str, *, patience: float, epoch: int = 0
    ) -> None:
        self.ledger = ledger
        self.sender = sender
        self.call_id = call_id
        self.patience = patience
        self.epoch = epoch
        self.safety: Callable[[], Note | None] = lambda: None
        """What staff is told when the call breaks off, as far as it is known now; kept in step with the memory."""
        self.where: Callable[[], tuple[str, Mapping[str, object]] | None] = lambda: None
        """The call's phase and memory now: a successor that finds a telephone ringing must know why."""
        self._behind: set[asyncio.Task[None]] = set()
        self._last: asyncio.Task[None] | None = None

    async def begin(self, row: CallRow, *, patience: float) -> CallRow | None:
        """Open the books and write the call down; returns the row of a call that is known already.

        What cannot be written within `patience` seconds is written behind the call, which then counts as new.
        """
        known: list[CallRow | None] = []

        async def write() -> None:
            await self.ledger.open()
            known.append(await self.ledger.begin_call(row, self.safety()))

        await self._in_order(write, patience)
        return known[-1] if known else None

    async def arm(self, note: Note, due_in: float) -> None:
        """Write a message down that goes out by itself after `due_in` seconds; asked again, it becomes due later."""

        async def write() -> None:
            if (where := self.where()) is None:
                await self.ledger.before_dial(note, due_in=due_in)
                return
            phase, state = where
            await self.ledger.before_dial(
                note, due_in=due_in, phase=phase, state=dict(state), epoch=self.epoch
            )

        await self._in_order(write)

    async def settle(self, note: Note | None, *, outcome: str, send: bool, evidence: str | None) -> None:
        """Write the outcome down; the armed message is due now, or cancelled."""

        async def write() -> None:
            if note is None and evidence is None:
                await self.ledger.set_outcome(self.call_id, outcome)
                return
            body = note.body if note is not None else None
            await self.ledger.settle(
                self.call_id, outcome=outcome, send=send, body=body, evidence=evidence, note=note
            )

        await self._in_order(write)

    async def deliver(self, note: Note) -> Delivery:
        """Send it now; returns when a channel has accepted it or every one has refused."""
        if self._last is not None:
            await asyncio.wait({self._last})
        found = await self.sender.deliver_now(note.id, patience=self.patience)
        while found.state == "pending":
            await asyncio.sleep(LOOK_SECONDS)
            found = await self.sender.deliver_now(note.id, patience=0.0)
        return Delivery(found.state, found.channel, found.error)

    async def close(self, evidence: str) -> None:
        """Close the obligation."""
        await self._in_order(lambda: self.ledger.close_obligation(self.call_id, evidence))

    async def busy_lately(self, agent: str, target: int, seconds: float) -> bool:
        """Whether a dial of this target, in any call, was busy lately; a ledger that does not answer knows of none."""
        try:
            busy = await asyncio.wait_for(self.ledger.busy_targets(agent, seconds), BUSY_SECONDS)
        except Exception:
            return False
        return target in busy

    async def save(self, phase: str, state: Mapping[str, object]) -> None:
        """Keep what a successor needs; a sign of life as well, so that staff is not told of a broken call."""
        await self._in_order(
            lambda: self.ledger.save_call(
                self.call_id, phase=phase, state=dict(state), epoch=self.epoch, safety_note=self.safety()
            )
        )

    async def tell(self, moments: Sequence[Entry]) -> None:
        """Write moments of the timeline down."""

        rows = [EventRow(moment.at, moment.kind, moment.data) for moment in moments]
        await self._in_order(lambda: self.ledger.add_events(self.call_id, rows))

    async def owned(self) -> bool:
        """Whether no newer process has this call. A ledger that cannot be read leaves it with its owner."""
        try:
            row = await asyncio.wait_for(self.ledger.call(self.call_id), WRITE_SECONDS)
        except Exception:
            return True
        return row is None or row.epoch <= self.epoch

    async def finish(self, outcome: str, transcript: list[dict[str, object]] | None) -> None:
        """The call is over."""
        await self._in_order(
            lambda: self.ledger.end_call(self.call_id, outcome=outcome, transcript=transcript)
        )
        if self._last is not None:
            await asyncio.wait({self._last}, timeout=LAST_WRITES_SECONDS)

    async def _in_order(self, write: Work, patience: float = WRITE_SECONDS) -> None:
        """Write after everything before it; wait for it, but not for ever."""
        task = asyncio.create_task(self._after(self._last, write))
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)
        self._last = task
        await asyncio.wait({task}, timeout=patience)

    async def _after(self, before: asyncio.Task[None] | None, write: Work) -> None:
        if before is not None:
            await asyncio.wait({before})
        for wait in (0.0, 0.5, 2.0, 8.0):
            await asyncio.sleep(wait)
            try:
                await write()
            except Exception as error:
                log.warning(
                    "the ledger cannot be written: %s",
                    type(error).__name__,
                    exc_info=not isinstance(error, CallisiError),
                )
            else:
                return
        log.error("the ledger could not be written for this call")


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Work = Callable[[], Awaitable[None]]
