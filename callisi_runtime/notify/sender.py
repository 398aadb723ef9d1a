"""The sender: claims what is due, sends it, records what became of it, and goes on to the next channel."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from callisi_runtime.ledger.facade import Ledger, LedgerUnavailable
from callisi_runtime.ledger.notes import UNCLAIMED
from callisi_runtime.ledger.values import Fault, NoteRow
from callisi_runtime.notify.base import Channel, Reject, Retry, Sent
from callisi_runtime.notify.codes import fault_for
from callisi_runtime.notify.staff import take_kept
from callisi_runtime.notify.tracking import backoff, next_poll, overdue

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("callisi.notify")

WITH_SID = frozenset({"sent", "found", "reported"})
"""Attempts whose info is the provider's id."""

WATCH = 0.2
"""Seconds between two looks at a notification that another sender holds."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the caller may be told."""

    state: Literal["accepted", "failed", "pending"]
    channel: str | None
    """The channel that accepted it, or the one that is being tried."""
    error: str | None


@dataclass(frozen=True, slots=True)
class Pace:
    """The sender's times, in seconds."""

    lease: float = 60.0
    """How long a claimed notification is nobody else's. Longer than any attempt takes."""
    poll: float = 1.0
    """Between two looks at an idle queue."""
    rest: float = 20.0
    """What a provider gets to show a message whose answer was lost."""
    looks: int = 2
    """How often it is asked in vain before the message is sent again."""
    base: float = 2.0
    cap: float = 900.0
    """First and longest wait before the same channel is tried again."""


class Sender:
    """Any number of senders on any machine may run over one ledger."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[str, Channel],
        *,
        lease: float = 60.0,
        pace: Pace | None = None,
        concurrency: int = 8,
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._pace = pace if pace is not None else Pace(lease=lease)
        self._concurrency = concurrency
        self._live: set[asyncio.Task[None]] = set()

    # ---- the loop ------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Delivers until `stop` is set, then finishes what it has begun."""
        while not stop.is_set():
            busy = await self._start_some()
            await self._take_kept()
            if not busy:
                await _sleep(stop, self._pace.poll * random.uniform(0.8, 1.2))
        await self._finish()

    async def drain(self, patience: float = 0.0) -> int:
        """Delivers until nothing is due, and returns how many attempts that took.

        With `patience`, waits up to so many seconds for what comes due in the meantime: retries and reports.
        """
        loop = asyncio.get_running_loop()
        until, done = loop.time() + patience, 0
        await self._take_kept()
        while True:
            rows = await self._ledger.claim(self._concurrency, lease=self._pace.lease)
            if rows:
                await asyncio.gather(*(self.attempt(row) for row in rows))
                done += len(rows)
            elif loop.time() >= until or not await self._ledger.unfinished():
                return done
            else:
                await asyncio.sleep(min(WATCH, self._pace.poll))

    async def _take_kept(self) -> None:
        """Answers of the staff that came while the database was away."""
        try:
            await take_kept(self._ledger)
        except LedgerUnavailable as error:
            log.warning("the staff's answers are taken later: %s", error)

    async def _start_some(self) -> bool:
        """Claims as many as there are free places. True when the next look should not wait."""
        free = self._concurrency - len(self._live)
        if free <= 0:
            await asyncio.wait(self._live, return_when=asyncio.FIRST_COMPLETED)
            return True
        try:
            rows = await self._ledger.claim(free, lease=self._pace.lease)
        except LedgerUnavailable as error:
            log.warning("the outbox cannot be read, trying again: %s", error)
            return False
        for row in rows:
            self._spawn(row)
        return bool(rows)

    def _spawn(self, row: NoteRow) -> asyncio.Task[None]:
        task = asyncio.create_task(self.attempt(row), name=f"deliver {row.note.id}")
        self._live.add(task)
        task.add_done_callback(self._live.discard)
        return task

    async def _finish(self) -> None:
        if self._live:
            await asyncio.wait(self._live)

    # ---- one notification, now -------------------------------------------------------------------------

    async def deliver_now(self, note_id: str, *, patience: float) -> Delivery:
        """Tries this one notification for at most `patience` seconds; then the work goes on without the
        caller.

        Another sender may hold it: then its result is watched. What has begun is never cut off.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while True:
            try:
                rows = await self._ledger.claim(1, lease=self._pace.lease, note_id=note_id)
                if rows:
                    await asyncio.wait({self._spawn(rows[0])}, timeout=max(0.0, until - loop.time()))
                seen = await self._ledger.notification(note_id)
            except LedgerUnavailable as error:
                seen, rows = None, []
                if loop.time() >= until:
                    return Delivery("pending", None, str(error))
            delivery = _delivery(seen)
            if delivery.state != "pending" or loop.time() >= until:
                return delivery
            if not rows:
                await asyncio.sleep(min(WATCH, max(0.0, until - loop.time())))

    # ---- one attempt -----------------------------------------------------------------------------------

    async def attempt(self, row: NoteRow) -> None:
        """Carries out what a claimed notification needs, and records it. Never raises."""
        try:
            channel = self._channels.get(row.at.channel)
            if row.state == "unclaimed":
                if await self._ledger.unclaimed(row) == "dead":
                    log.error("notification %s is dead: %s, and no channel is left", row.note.id, UNCLAIMED)
            elif channel is None:
                await self._onward(row, f"{row.at.channel}: not set up", "rejected")
            elif row.state == "waiting":
                await self._ask(row, channel)
            else:
                await self._send(row, channel)
        except LedgerUnavailable as error:
            log.error("notification %s was not recorded, its lease will expire: %s", row.note.id, error)
        except Exception:
            log.exception("notification %s stumbled, its lease will expire", row.note.id)

    async def _send(self, row: NoteRow, channel: Channel) -> None:
        if self._ledger.clock() >= row.due:
            # Frozen since the claim: it is another sender's by now, and may have gone out.
            log.warning("notification %s is left to whoever has it now: the lease is over", row.note.id)
            return
        looking = row.doubt and channel.finds
        try:
            async with asyncio.timeout(self._pace.lease * 0.75):
                if looking:
                    found = await self._find(row, channel)
                    if found is not None:
                        await self._taken(row, found.sid, found.report, "found")
                        return
                    if row.looks + 1 < self._pace.looks:
                        await self._ledger.looked(row, self._pace.rest)
                        return
                    looking = False
                sent = await channel.send(row.note, row.at)
            await self._taken(row, sent.sid, sent.report, "sent")
        except LedgerUnavailable:
            raise
        except Reject as error:
            await self._reject(row, error)
        except Retry as error:
            await self._retry(row, channel, str(error), error.after, error.unknown or looking)
        except Exception as error:
            log.warning(
                "notification %s: unknown end on %s: %s", row.note.id, row.at.channel, type(error).__name__
            )
            await self._retry(row, channel, type(error).__name__, None, unknown=True)

    async def _find(self, row: NoteRow, channel: Channel) -> Sent | None:
        """The message of the attempt whose end is unknown: none that was recorded before."""
        history = await self._ledger.attempts(row.note.id)
        known = {entry.info for entry in history if entry.step == row.step and entry.what in WITH_SID}
        return await channel.find(row.note, row.at, ignore=frozenset(sid for sid in known if sid))

    async def _taken(self, row: NoteRow, sid: str | None, report: str, what: str) -> None:
        waits = {"poll": next_poll(0.0, row.at.confirm), "callback": row.at.confirm, "none": None}
        await self._ledger.taken(row, sid, poll_in=waits[report], what=what)

    async def _reject(self, row: NoteRow, error: Reject) -> None:
        if error.operator:
            log.error("%s is not set up as it must be: %s", row.at.channel, error)
        await self._onward(row, f"{row.at.channel}: {error}", "rejected")

    async def _retry(
        self, row: NoteRow, channel: Channel, why: str, after: float | None, unknown: bool
    ) -> None:
        wait = after if after is not None else backoff(row.tries, self._pace.base, self._pace.cap)
        if unknown and channel.finds:
            wait = max(wait, self._pace.rest)
        fault = Fault(f"{row.at.channel}: {why}")
        kept = await self._ledger.again(row, fault, wait=wait, unknown=unknown)
        if kept and row.tries + 1 >= row.at.tries:
            self._mourn(row, fault.text)

    async def _ask(self, row: NoteRow, channel: Channel) -> None:
        """The message is on its way: what became of it?"""
        elapsed = self._ledger.clock() - (row.sent if row.sent is not None else row.due)
        late = overdue(elapsed, row.at.confirm)
        try:
            async with asyncio.timeout(self._pace.lease * 0.75):
                receipt = await channel.status(row.sid or "", row.at)
        except Exception as error:
            if late:
                await self._retry(row, channel, f"no report: {error}", None, unknown=False)
            else:
                await self._ledger.still_waiting(row, next_poll(elapsed, row.at.confirm))
            return
        if receipt.arrived:
            await self._ledger.arrived(row, receipt.status)
        elif receipt.lost:
            fault = fault_for(row.at.channel, receipt.status, receipt.code)
            if await self._ledger.lost(row, fault) and fault.again_after is None:
                self._mourn(row, fault.text)
        elif not late:
            await self._ledger.still_waiting(row, next_poll(elapsed, row.at.confirm))
        elif receipt.under_way and row.at.accept == "sent":
            await self._ledger.arrived(row, receipt.status, proven=False)
        else:
            why = f"{row.at.channel}: still {receipt.status} after {row.at.confirm:g} s"
            await self._onward(row, why, "undelivered")

    async def _onward(self, row: NoteRow, why: str, what: str) -> None:
        if await self._ledger.onward(row, why, what):
            self._mourn(row, why)

    def _mourn(self, row: NoteRow, why: str) -> None:
        """A dead letter is an error for the operator; a next step is not."""
        if row.note.kind == "callback" and row.step + 1 >= len(row.note.route):
            log.error("notification %s is dead, nobody was reached: %s", row.note.id, why)


def _delivery(row: NoteRow | None) -> Delivery:
    if row is None:
        return Delivery("pending", None, "not in the ledger")
    if row.accepted is not None:
        return Delivery("accepted", row.at.channel, None)
    if row.state in ("dead", "cancelled"):
        return Delivery("failed", None, row.error)
    return Delivery("pending", row.at.channel, row.error)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
