"""`Ledger`: what the rest of Callisi sees. Every method runs one transaction off the event loop."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from callisi_runtime.errors import CallisiError
from callisi_runtime.ledger import calls, claims, notes, queries, receipts, safety, settling
from callisi_runtime.ledger.engine import BUSY_SECONDS, in_memory, make_engine, parse_url, what_failed
from callisi_runtime.ledger.migrate import migrate
from callisi_runtime.ledger.values import EventRow, safety_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from callisi_runtime.ledger.values import (
        AttemptRow,
        CallRow,
        Fault,
        Health,
        InboundRow,
        Note,
        NoteRow,
        NoteState,
        ObligationRow,
        Receipt,
    )

    TakeAnswer = Callable[[sa.Connection, InboundRow, float], claims.Effect]

P = ParamSpec("P")
T = TypeVar("T")


class LedgerUnavailable(CallisiError):
    """The database did not answer: locked, full, read-only, gone. What was to be written is not written."""


class Ledger:
    """Calls, obligations and the outbox in one database.

    The engine and its two threads are made on first use in the process that uses them, never carried over a
    fork. The threads are the ledger's own: waiting for a locked file must not take the threads in which
    names are resolved.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        self.url = url
        self.clock = clock
        # A database in memory is nobody else's: there is nothing to wait for, and rehearsals want no threads.
        self._alone = in_memory(parse_url(url))
        self._pid = -1
        self._engine: sa.Engine | None = None
        self._pool: ThreadPoolExecutor | None = None

    # ---- opening and running ---------------------------------------------------------------------------

    async def open(self) -> None:
        """Makes or checks the schema. Raises CallisiError when the database cannot be used."""
        await self._in_thread(lambda: migrate(self._ready()))

    async def close(self) -> None:
        """Gives the connections and threads back. The ledger may be used again afterwards."""
        engine, pool, self._engine, self._pool, self._pid = self._engine, self._pool, None, None, -1
        if engine is not None and pool is not None:
            await asyncio.get_running_loop().run_in_executor(pool, engine.dispose)
        elif engine is not None:
            engine.dispose()
        if pool is not None:
            pool.shutdown(wait=False)

    def _ready(self) -> sa.Engine:
        self._own_process()
        if self._engine is None:
            self._engine = make_engine(self.url, busy=BUSY_SECONDS)
        return self._engine

    def _threads(self) -> ThreadPoolExecutor:
        self._own_process()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(2, "callisi-db")
        return self._pool

    def _own_process(self) -> None:
        if self._pid != os.getpid():
            self._engine, self._pool, self._pid = None, None, os.getpid()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            if self._alone:
                return work()
            return await asyncio.get_running_loop().run_in_executor(self._threads(), work)
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
            raise LedgerUnavailable(what_failed(error)) from error

    async def write(
        self, statement: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs one of the ledger's statements in a transaction of its own."""

        def work() -> T:
            with self._ready().begin() as connection:
                return statement(connection, *args, **kwargs)

        return await self._in_thread(work)

    async def read(
        self, statement: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Like `write`, without the write lock."""

        def work() -> T:
            with self._ready().connect().execution_options(reading=True) as connection:
                return statement(connection, *args, **kwargs)

        return await self._in_thread(work)

    # ---- calls -----------------------------------------------------------------------------------------

    async def begin_call(
        self, call: CallRow, note: Note | None = None, *, due_in: float = 60.0
    ) -> CallRow | None:
        """Writes the call and opens its obligation. Returns the known row when the call is being resumed.

        With the safety `note` (`values.safety_id`), it is armed in the same transaction: a process killed right
        after it still notifies in `due_in` seconds. `save_call` pushes that out while the call goes on.
        """
        now = self.clock()

        def work(connection: sa.Connection) -> CallRow | None:
            known = calls.begin(connection, call, now)
            if known is None and note is not None:
                notes.arm(connection, note, now + due_in, now)
            elif known is not None:
                safety.known_call(connection, note, now, now + due_in)
            return known

        return await self.write(work)

    async def save_call(
        self,
        call_id: str,
        *,
        phase: str | None = None,
        state: Mapping[str, object] | None = None,
        epoch: int | None = None,
        safety_note: Note | None = None,
    ) -> None:
        """Saves what a successor needs. With an `epoch` below the saved one nothing changes.

        A sign of life as well: the safety note is pushed out, and armed where nothing stands in for it.
        """
        now = self.clock()

        def work(connection: sa.Connection) -> None:
            calls.save(connection, call_id, phase, state, epoch)
            if safety_note is not None:
                safety.watch(connection, safety_note, phase, epoch, now, now + safety.SECONDS)

        await self.write(work)

    async def add_event(self, call_id: str, at: float, kind: str, data: Mapping[str, object]) -> None:
        """Adds one moment to the call's timeline."""
        await self.add_events(call_id, [EventRow(at, kind, data)])

    async def add_events(self, call_id: str, moments: Sequence[EventRow]) -> None:
        """Adds moments to the call's timeline, in one transaction."""
        await self.write(calls.add_events, call_id, moments)

    async def end_call(
        self, call_id: str, *, outcome: str, transcript: Sequence[object] | None = None
    ) -> None:
        """Writes how the call ended. Obligation and notifications are not touched, but the safety note rests."""
        now = self.clock()

        def work(connection: sa.Connection) -> None:
            calls.end(connection, call_id, outcome, transcript, now)
            safety.call_over(connection, call_id, now)

        await self.write(work)

    async def close_obligation(self, call_id: str, evidence: str) -> None:
        """Closes the promise to the caller on one of `EVIDENCE`."""
        now = self.clock()

        def work(connection: sa.Connection) -> None:
            calls.close_obligation(connection, call_id, evidence, now)
            safety.rest(connection, call_id, now)

        await self.write(work)

    # ---- notifications: the call's side ----------------------------------------------------------------

    async def arm(self, note: Note, *, due_in: float) -> None:
        """Writes the message before anybody is dialled: it goes out in `due_in` seconds unless settled."""
        now = self.clock()

        def work(connection: sa.Connection) -> None:
            if not notes.arm(connection, note, now + due_in, now):
                notes.wanted_again(connection, note.id, now + due_in, now)
            if note.id != safety_id(note.call_id):
                safety.rest(connection, note.call_id, now)

        await self.write(work)

    async def before_dial(
        self,
        note: Note,
        *,
        due_in: float,
        phase: str | None = None,
        state: Mapping[str, object] | None = None,
        epoch: int | None = None,
    ) -> None:
        """What must be on the disk before a telephone rings, in one transaction: the caller waits for it.

        The message is armed, every armed one of the call comes no sooner, and a successor finds the call where
        it is (`phase`, `state`, `epoch` as in `save_call`).
        """
        now = self.clock()

        def work(connection: sa.Connection) -> None:
            calls.save(connection, note.call_id, phase, state, epoch)
            if not notes.arm(connection, note, now + due_in, now):
                notes.wanted_again(connection, note.id, now + due_in, now)
            safety.rest(connection, note.call_id, now)
            notes.postpone(connection, note.call_id, now + due_in, now)

        await self.write(work)

    async def postpone(self, call_id: str, *, due_in: float) -> None:
        """Pushes the dead man's switch out while another person is dialled."""
        now = self.clock()
        await self.write(notes.postpone, call_id, now + due_in, now)

    async def set_outcome(self, call_id: str, outcome: str) -> None:
        """Writes how a dial ended while the call goes on. No notification is touched."""
        await self.write(calls.set_outcome, call_id, outcome)

    async def settle(
        self,
        call_id: str,
        *,
        outcome: str,
        send: bool,
        body: Mapping[str, object] | None = None,
        evidence: str | None = None,
        note: Note | None = None,
    ) -> None:
        """The outcome is known: in one transaction it is written, and the armed notification goes out or
        never.

        `note` is written first when it was never armed, so that a failed `arm` loses nobody. With it, only
        this note goes out or is cancelled; without it, every one of the call. Evidence cancels all of them.
        Without evidence, a message that is not sent makes room for the safety note again.
        """
        now = self.clock()

        def work(connection: sa.Connection) -> None:
            calls.set_outcome(connection, call_id, outcome)
            settling.settle(connection, call_id, send, now, body=body, note=note, evidence=evidence)
            if evidence is not None:
                calls.close_obligation(connection, call_id, evidence, now)

        await self.write(work)

    # ---- notifications: the sender's side --------------------------------------------------------------

    async def claim(self, limit: int, *, lease: float, note_id: str | None = None) -> list[NoteRow]:
        """Takes up to `limit` ready notifications (or that one) for `lease` seconds."""
        now = self.clock()
        if note_id is None and not await self.read(notes.anything_ready, now):
            return []
        return await self.write(notes.claim, limit, lease, now, note_id)

    async def taken(
        self, row: NoteRow, sid: str | None, *, poll_in: float | None, what: str = "sent"
    ) -> bool:
        """The provider took the message. False here and below: the claim was lost, nothing was written."""
        return await self.write(notes.taken, row, sid, self.clock(), poll_in=poll_in, what=what)

    async def arrived(self, row: NoteRow, status: str, *, proven: bool = True) -> bool:
        """The message arrived, or got as far as the file asks."""
        return await self.write(notes.arrived, row, status, self.clock(), proven=proven)

    async def still_waiting(self, row: NoteRow, poll_in: float) -> bool:
        """Nothing new about a message on its way."""
        return await self.write(notes.still_waiting, row, poll_in, self.clock())

    async def looked(self, row: NoteRow, rest: float) -> bool:
        """The provider does not know the message (yet)."""
        return await self.write(notes.looked, row, rest, self.clock())

    async def again(self, row: NoteRow, fault: Fault, *, wait: float, unknown: bool) -> bool:
        """A try failed and may be repeated."""
        return await self.write(notes.again, row, fault, self.clock(), wait=wait, unknown=unknown)

    async def lost(self, row: NoteRow, fault: Fault) -> bool:
        """The message was taken and did not arrive."""
        return await self.write(notes.lost, row, fault, self.clock())

    async def onward(self, row: NoteRow, why: str, what: str) -> bool:
        """The step is over: the next one, or a dead letter."""
        return await self.write(notes.onward, row, why, what, self.clock())

    async def unclaimed(self, row: NoteRow) -> NoteState | None:
        """Nobody took the callback over in time: the next step, or a dead letter. None: the claim was lost."""
        return await self.write(notes.unclaimed, row, self.clock())

    async def apply_receipt(self, note_id: str, step: int, receipt: Receipt, fault: Fault) -> receipts.Effect:
        """A provider's report about the message of one step; `fault` says what follows if it is lost."""
        return await self.write(receipts.apply, note_id, step, receipt, self.clock(), fault=fault)

    # ---- the operator's side ---------------------------------------------------------------------------

    async def calls(self, since: float = 0.0, limit: int = 100) -> list[CallRow]:
        """Calls since then, newest first."""
        return await self.read(queries.calls, since, limit)

    async def call(self, call_id: str) -> CallRow | None:
        """One call, or None."""
        return await self.read(queries.one_call, call_id)

    async def busy_targets(self, agent: str, seconds: float) -> set[int]:
        """Targets of an agent, by their place in its file, of which a dial was busy within the last seconds."""
        return await self.read(queries.busy_targets, agent, self.clock() - seconds)

    async def timeline(self, call_id: str) -> list[EventRow]:
        """The call's moments in order."""
        return await self.read(queries.timeline, call_id)

    async def notifications(
        self, *, dead: bool = False, since: float = 0.0, call_id: str | None = None, limit: int = 100
    ) -> list[NoteRow]:
        """Notifications since then, newest first."""
        return await self.read(queries.notifications, dead, since, call_id, limit)

    async def notification(self, note_id: str) -> NoteRow | None:
        """One notification, or None."""
        return await self.read(queries.one_note, note_id)

    async def attempts(self, note_id: str) -> list[AttemptRow]:
        """What was done about a notification, in order."""
        return await self.read(queries.attempts, note_id)

    async def obligations(
        self, open_only: bool = True, since: float = 0.0, limit: int = 1000
    ) -> list[ObligationRow]:
        """Promises to callers, oldest first."""
        return await self.read(queries.obligations, open_only, since, limit)

    async def health(self) -> Health:
        """What an operator must look at: dead letters, open promises, messages that do not get on."""
        return await self.read(queries.health, self.clock())

    async def unfinished(self) -> bool:
        """Whether any notification is due or waiting, now or later."""
        return await self.read(queries.unfinished)

    async def take_over(self, call_id: str, who: str) -> claims.Effect:
        """A member of staff takes a callback over."""
        return await self.write(claims.take, call_id, who, self.clock())

    async def hand_back(self, call_id: str, who: str) -> claims.Effect:
        """A member of staff gives a callback back: it is free again."""
        return await self.write(claims.hand_back, call_id, who, self.clock())

    async def take_answer(self, take: TakeAnswer, row: InboundRow, reference: str | None) -> claims.Effect:
        """Runs `take`, which says what a message to us brings about. `reference`: that of the callback it names."""
        return await self.write(take, row, self.clock())

    async def knows_callback(self, row: InboundRow, reference: str | None) -> bool:
        """Whether the sender of a message was told of a callback that is in this ledger."""
        meant = await self.read(claims.callback_for, row.sender, reference, row.at)
        return meant is not None

    async def take_kept(self, take: TakeAnswer) -> int:
        """Takes the answers that came while the database was away; returns how many."""
        return 0

    async def expects_answers(self, since: float) -> list[str]:
        """Channel and sender of the messages since then to which an answer may come."""
        return await self.read(claims.expects_answers, since)

    async def inbound(self, since: float = 0.0, limit: int = 100) -> list[InboundRow]:
        """Messages that came in since then, newest first."""
        return await self.read(claims.received, since, limit)

    async def redrive(self, note_id: str) -> bool:
        """A dead letter starts over at its first channel. False when it is not dead."""
        return await self.write(notes.redrive, note_id, self.clock())
