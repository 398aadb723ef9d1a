"""One call from its first ring until nothing of it is on its way any more, over all processes that have it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import sqlalchemy as sa

from callisi_runtime.call import CallRunner
from callisi_runtime.call.ledger_books import LedgerBooks
from callisi_runtime.call.memory import Memory, make_good, recall, remember
from callisi_runtime.call.runner import outcome_of
from callisi_runtime.flow import Phase
from callisi_runtime.flow import events as on
from callisi_runtime.hours import is_open
from callisi_runtime.ledger import CallRow, Ledger
from callisi_runtime.ledger.schema import LIVE
from callisi_runtime.ledger.schema import note as notes
from callisi_runtime.notify import Sender
from callisi_runtime.phone import normalise
from callisi_runtime.plan import CallFacts, CallPlan
from callisi_runtime.simulate.caller import Caller
from callisi_runtime.simulate.line import MortalBooks, ProcessClock, RoomHands
from callisi_runtime.simulate.process import Process
from callisi_runtime.simulate.provider import Provider, now
from callisi_runtime.simulate.room import Room
from callisi_runtime.simulate.witness import Witness

if TYPE_CHECKING:
    from callisi_runtime.call.books import Books
    from callisi_runtime.call.hands import Hands
    from callisi_runtime.call.memory import Before

CALLERS = ("+4915228817386", "+493023125777", "+4917604069017", "anonymous")
"""Numbers that never ring anywhere, and a caller who shows none."""
KILLED = 0.3
"""How often the process of a call is killed; its successor as often again."""
LAST_POINT = 24
RESCUED = 0.75
"""How often a successor comes; otherwise nobody ever has the call again."""
WATCHED = 0.6
"""How often a successor gets the memory from the machine's watchdog; otherwise it has the ledger alone."""
SENDER_KILLED = 0.25
POLL = 8.0
"""Seconds between two looks of a sender that has nothing to do."""
NEXT_DUE = sa.select(sa.func.min(notes.c.due)).where(LIVE)
BOOKS_SECONDS = 2.0
SWEEP_SECONDS = 10.0
"""After which a room without caller and without agent is ended."""
LONGEST_LIFE = 6 * 3600.0
"""Virtual seconds after which whatever is still on its way counts as stuck."""


@dataclass(frozen=True, slots=True)
class Defects:
    """Wrappers that break the product on purpose: tests show that the simulation sees it."""

    books: Callable[[Books], Books] = lambda books: books
    hands: Callable[[Hands], Hands] = lambda hands: hands


class Life:
    """One call.

    Args:
        plan: The agent.
        ledger: Open; its clock is virtual.
        rng: Decides everything about this call.
        witness: Watches it.
        defects: None, but in tests.
    """

    def __init__(
        self, plan: CallPlan, ledger: Ledger, rng: Random, witness: Witness, defects: Defects
    ) -> None:
        self.plan = plan
        self.ledger = ledger
        self.rng = rng
        self.witness = witness
        self.defects = defects
        self.counts: Counter[str] = Counter()
        self.room = witness.room = Room(rng, witness)
        self.provider = witness.provider = Provider(rng)
        started = datetime.fromtimestamp(ledger.clock(), UTC)
        self.facts = CallFacts(id=witness.call_id, caller=normalise(rng.choice(CALLERS)), started=started)
        self.arrived = on.Arrived(
            caller_known=self.facts.caller.e164 is not None,
            open=is_open(plan.spec.hours, started),
            allowed=plan.allowed_targets(self.facts.caller, started),
        )
        witness.open_at_start = self.arrived.open
        self._over = asyncio.Event()
        self._memory: Mapping[str, object] | None = None

    async def run(self) -> None:
        """The call, its end, and everything that is sent about it."""
        self.witness.note(f"weather: {self.provider.weather}")
        senders = [asyncio.create_task(self._keep_sender()) for _ in range(2)]
        tools = frozenset(tool.name for tool in self.plan.spec.tools)
        caller = asyncio.create_task(Caller(self.rng, self.room, self.witness, tools).live())
        await self._serve()
        await self.room.over.wait()
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        await self._wait_for_messages()
        self._over.set()
        await asyncio.gather(*senders)
        await self.witness.judge()

    # -- the processes of the call -----------------------------------------------------------------------------

    async def _serve(self) -> None:
        epoch, dies = 0, self.rng.random() < KILLED
        while True:
            process = Process(self.rng.randint(1, LAST_POINT) if dies else None)
            watched = self.rng.random() < WATCHED
            process.start(self._have(process, epoch, self._memory if watched else None))
            await process.over.wait()
            if self.room.over.is_set():
                return
            self.witness.kills += 1
            self.counts["killed"] += 1
            self.witness.note("the process is killed")
            if self.rng.random() > RESCUED:
                break
            self.witness.away = self.rng.uniform(0.8, 3.0)
            await asyncio.sleep(self.witness.away)
            epoch, dies = epoch + 1, self.rng.random() < KILLED
            self.counts["rescued"] += 1
            self.witness.note("a successor has the call")
        await self._sweep()

    async def _sweep(self) -> None:
        """Nobody has the call: its room is ended some time after the caller has left."""
        await self.room.left.wait()
        await asyncio.sleep(SWEEP_SECONDS)
        self.room.end()

    async def _have(self, process: Process, epoch: int, inherited: Mapping[str, object] | None) -> None:
        """What the process of a live call does, from its start to its end."""
        await process.point()
        ledger_books = self._books(epoch)
        ledger_books.safety = partial(self.plan.safety_note, self.facts)
        before, ended = await self._remembered(ledger_books, inherited)
        state, facts, lines = before or (None, self.facts, [])
        books = MortalBooks(self.defects.books(ledger_books), process)
        hands = self.defects.hands(RoomHands(self.room, process))
        runner = CallRunner(self.plan, facts, hands, books, ProcessClock(process), state)
        runner.record.transcript.extend(lines)
        ledger_books.safety = lambda: self.plan.safety_note(runner.facts)
        ledger_books.where = lambda: (runner.state.phase.value, remember(runner))
        if ended or runner.state.phase is Phase.ENDED:
            await make_good(self.plan, facts, runner.state, books)
            await hands.hang_up()
            await books.finish(outcome_of(runner.state), None)
            return
        memory = Memory(runner, books.save, no_timeline, self._keep)
        self.room.attach(runner, process)
        if self.witness.kills:
            self.witness.taken_over(knows=runner.state.owed)
        await self._begin(runner, books, ledger_books.epoch)
        await runner.wait()
        await memory.close()

    async def _begin(self, runner: CallRunner, books: Books, epoch: int) -> None:
        if runner.state.phase is Phase.SCREENING:
            if epoch:
                runner.feed(on.Resumed())
            runner.feed(self.arrived)
        else:
            self._mending = asyncio.create_task(make_good(self.plan, runner.facts, runner.state, books))
            joined = runner.state.joined
            strangers = [phone.leg for phone in self.room.phones if phone.alive]
            for leg in strangers:
                if joined is None or leg != joined.id:
                    await self.room.drop(leg)
            elapsed = self.ledger.clock() - runner.facts.started.timestamp()
            runner.feed(on.Resumed(max(0.0, elapsed)))
        if not self.room.caller_here:
            runner.feed(on.CallerLeft())

    async def _remembered(
        self, books: LedgerBooks, inherited: Mapping[str, object] | None
    ) -> tuple[Before | None, bool]:
        """What a predecessor left of this call, and whether it had ended it."""
        row = CallRow(self.facts.id, self.plan.spec.name, self.facts.caller.e164, self.ledger.clock(), "room")
        before = recall(inherited, self.facts)
        if before is not None:
            self._opening = asyncio.create_task(self._open_behind(books, row))
            return before, False
        known = await books.begin(row, patience=BOOKS_SECONDS)
        if known is None:
            return None, False
        books.epoch = max(books.epoch, known.epoch + 1)
        self._opening = asyncio.create_task(books.save(known.phase or "", known.state or {}))
        return recall(known.state, self.facts), known.ended is not None

    async def _open_behind(self, books: LedgerBooks, row: CallRow) -> None:
        known = await books.begin(row, patience=BOOKS_SECONDS)
        if known is not None and known.epoch >= books.epoch:
            books.epoch = known.epoch + 1

    def _keep(self, memory: Mapping[str, object]) -> None:
        self._memory = memory

    def _books(self, epoch: int) -> LedgerBooks:
        sender = Sender(self.ledger, self.provider.channels())
        return LedgerBooks(self.ledger, sender, self.facts.id, patience=self.plan.flow.patience, epoch=epoch)

    # -- the senders -------------------------------------------------------------------------------------------

    async def _keep_sender(self) -> None:
        """A worker's sender; when it is killed, another one starts."""
        while not self._over.is_set():
            dies = self.rng.random() < SENDER_KILLED
            process = Process(self.rng.randint(1, 6) if dies else None)
            process.start(self._send(process))
            await process.over.wait()
            if not self._over.is_set():
                self.counts["sender killed"] += 1
                await asyncio.sleep(self.rng.uniform(2.0, 10.0))

    async def _send(self, process: Process) -> None:
        """What `Sender.run` does, but that it sleeps until something is due instead of looking every second."""
        sender = Sender(self.ledger, self.provider.channels())
        while not self._over.is_set():
            due = await self.ledger.read(next_due)
            if due is not None and due <= self.ledger.clock():
                await sender.drain()
                continue
            longest = LONGEST_LIFE if self.room.over.is_set() and due is not None else POLL
            wait = POLL if due is None else min(longest, due - self.ledger.clock())
            await asyncio.sleep(wait + self.rng.uniform(0.0, 1.2))

    async def _wait_for_messages(self) -> None:
        until = now() + LONGEST_LIFE
        while await self.ledger.read(next_due) is not None:
            if now() > until:
                self.counts["stuck"] += 1
                return
            await asyncio.sleep(20.0)


def next_due(connection: sa.Connection) -> float | None:
    """When the next message wants something; None when none does."""
    due: float | None = connection.execute(NEXT_DUE).scalar_one()
    return due


async def no_timeline(_: object) -> None:
    """The timeline is looked at by people; nothing depends on it."""
