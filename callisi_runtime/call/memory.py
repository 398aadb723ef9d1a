"""What a successor must know of a call: where it is, what the caller left, what was said. Saved after every step."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from callisi_runtime.call.record import Entry, Line
from callisi_runtime.flow import CallState, Outcome, Phase
from callisi_runtime.plan.facts import CallFacts, Message

if TYPE_CHECKING:
    from callisi_runtime.call.books import Books
    from callisi_runtime.call.runner import CallRunner
    from callisi_runtime.plan import CallPlan

LINES_KEPT = 20
"""Sentences that a successor gets; they are gone from the ledger when the call has ended."""

DUE_SECONDS = 60.0
"""When an armed message that a dead process left goes out by itself, unless the successor settles it."""

LIFE_SECONDS = 20.0
"""Between two signs of life of a call in which nothing happens: a third of what makes it count as broken off."""


class Memory:
    """Keeps a call's memory and timeline in the ledger, behind the call's back; of the memory the latest only.

    Args:
        runner: The call.
        save: Writes phase and memory down.
        tell: Writes moments of the timeline down.
        keep: Takes the memory at once, where no database is waited for.
    """

    def __init__(
        self,
        runner: CallRunner,
        save: Callable[[str, Mapping[str, object]], Awaitable[None]],
        tell: Callable[[Sequence[Entry]], Awaitable[None]],
        keep: Callable[[Mapping[str, object]], None] | None = None,
    ) -> None:
        self.runner = runner
        self.save = save
        self.tell = tell
        self.keep = keep
        self._told = 0
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="callisi-memory")
        runner.observers.append(self._moved)

    def _moved(self, *_: object) -> None:
        if self.keep is not None:
            self.keep(remember(self.runner))
        self._changed.set()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LIFE_SECONDS)
            self._changed.clear()
            await self.save(self.runner.state.phase.value, remember(self.runner))
            await self._tell()

    async def _tell(self) -> None:
        new = self.runner.record.timeline[self._told :]
        self._told += len(new)
        if new:
            await self.tell(new)

    async def close(self) -> None:
        """Write the rest of the timeline down, and stop."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._tell()


def remember(runner: CallRunner) -> dict[str, object]:
    """A call as JSON."""
    facts = runner.facts
    return {
        "call": facts.id,
        "flow": runner.state.as_dict(),
        "message": asdict(facts.message),
        "outcome": facts.outcome.value,
        "channel": facts.channel,
        "started": facts.started.isoformat(),
        "lines": [asdict(line) for line in runner.record.transcript[-LINES_KEPT:]],
    }


Before = tuple[CallState, CallFacts, list[Line]]
"""A call that another process began: its state, what is known about it, its last sentences."""


def recall(memory: Mapping[str, Any] | None, facts: CallFacts) -> Before | None:
    """The state, the facts and the last sentences of a call that another process began.

    Returns None when that process had not yet greeted the caller, or wrote what this version does not know: then the
    caller is greeted as if nothing had been.
    """
    if not memory or "flow" not in memory or memory.get("call", facts.id) != facts.id:
        return None
    try:
        state = CallState.from_dict(memory["flow"])
        known = replace(
            facts,
            message=Message(**memory["message"]),
            outcome=Outcome(memory["outcome"]),
            channel=memory["channel"],
            started=datetime.fromisoformat(memory["started"]),
        )
        lines = [Line(**line) for line in memory["lines"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return None if state.phase is Phase.SCREENING else (state, known, lines)


async def make_good(plan: CallPlan, facts: CallFacts, state: CallState, books: Books) -> None:
    """Write down what a predecessor had decided when it died, and perhaps had not written yet; twice does no harm."""
    if state.note == "sending":
        note = plan.note(facts, state.notes)
        await books.settle(note, outcome=facts.outcome.value, send=True, evidence=None)
    elif state.note == "armed":
        await books.arm(plan.note(facts, state.notes), DUE_SECONDS)
    if state.evidence is not None:
        await books.close(state.evidence)
