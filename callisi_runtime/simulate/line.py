"""What one process has of a call: hands on the room, books in the ledger, a clock. Each act is a point to die at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from callisi_runtime.call import Delivery
from callisi_runtime.simulate.provider import now

if TYPE_CHECKING:
    from callisi_runtime.call.books import Books
    from callisi_runtime.ledger.values import Note
    from callisi_runtime.simulate.process import Process
    from callisi_runtime.simulate.room import Room

CHARACTERS_PER_SECOND = 14.0
VOICELESS = 0.01
"""How often a sentence cannot be said."""


class ProcessClock:
    """Seconds since the process got the call; its timers die with it."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.start = now()

    def now(self) -> float:
        """Seconds since the clock was made."""
        return now() - self.start

    def later(self, seconds: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        """Do something after `seconds`."""
        return self.process.later(seconds, action)


class RoomHands:
    """`Hands` on a simulated room."""

    def __init__(self, room: Room, process: Process) -> None:
        self.room = room
        self.process = process

    async def say(self, key: str, text: str) -> bool:
        """Say a sentence; its time passes."""
        await self.process.point()
        if self.room.rng.random() < VOICELESS:
            return False
        await self.room.witness.said(key)
        await asyncio.sleep(len(text) / CHARACTERS_PER_SECOND)
        return True

    def hush(self) -> None:
        """Nobody else speaks here."""

    def listen(self, on: bool) -> None:
        """The simulated model asks the machine itself."""

    def ringback(self, on: bool) -> None:
        """Nobody listens to it."""

    async def dial(self, leg: str, target: int, ring_timeout: int, *, refer: bool) -> None:
        """Ring a telephone."""
        await self.process.point()
        self.room.dial(leg, target, ring_timeout, refer=refer)
        await self.process.point()

    async def prompt(self, leg: str, text: str) -> None:
        """The person hears who calls."""
        await self.process.point()

    async def bridge(self, leg: str) -> None:
        """Open the gate."""
        await self.process.point()
        self.room.bridge(leg)
        await self.process.point()

    async def drop(self, leg: str) -> None:
        """End a leg."""
        await self.process.point()
        await self.room.drop(leg)

    async def hang_up(self) -> None:
        """End the call for everybody."""
        await self.process.point()
        self.room.end()
        await self.process.point()


class MortalBooks:
    """Books, with a point to die at before and after each entry."""

    def __init__(self, books: Books, process: Process) -> None:
        self.books = books
        self.process = process

    async def arm(self, note: Note, due_in: float) -> None:
        """See `Books.arm`."""
        await self.process.point()
        await self.books.arm(note, due_in)
        await self.process.point()

    async def settle(self, note: Note | None, *, outcome: str, send: bool, evidence: str | None) -> None:
        """See `Books.settle`."""
        await self.process.point()
        await self.books.settle(note, outcome=outcome, send=send, evidence=evidence)
        await self.process.point()

    async def deliver(self, note: Note) -> Delivery:
        """See `Books.deliver`."""
        await self.process.point()
        return await self.books.deliver(note)

    async def close(self, evidence: str) -> None:
        """See `Books.close`."""
        await self.process.point()
        await self.books.close(evidence)
        await self.process.point()

    async def busy_lately(self, agent: str, target: int, seconds: float) -> bool:
        """See `Books.busy_lately`."""
        return await self.books.busy_lately(agent, target, seconds)

    async def save(self, phase: str, state: Mapping[str, object]) -> None:
        """See `Books.save`."""
        await self.process.point()
        await self.books.save(phase, state)

    async def finish(self, outcome: str, transcript: list[dict[str, object]] | None) -> None:
        """See `Books.finish`."""
        await self.process.point()
        await self.books.finish(outcome, transcript)
        await self.process.point()
