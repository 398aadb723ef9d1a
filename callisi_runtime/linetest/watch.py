"""Watch the ledger for the next call, follow it to its end, and say whether the caller would have been served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from callisi_runtime.flow import OUTCOME_WORDS, Outcome

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger
    from callisi_runtime.ledger.values import CallRow, EventRow
    from callisi_runtime.linetest.cases import Case

LOOK_SECONDS = 0.3
MESSAGE_SECONDS = 30.0
"""How long after the call its message may take to be accepted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was seen of one call."""

    case: str
    right: bool
    call: str | None
    outcome: str | None
    evidence: str | None
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "case": self.case,
            "ok": self.right,
            "call": self.call,
            "outcome": self.outcome,
            "evidence": self.evidence,
            "problems": list(self.problems),
        }


class LineTest:
    """Follows calls of one agent through the ledger that its worker writes.

    Args:
        ledger: Open.
        agent: The agent's name.
        show: Is told every moment of a call as it is written.
    """

    def __init__(self, ledger: Ledger, agent: str, show: Callable[[EventRow], None]) -> None:
        self.ledger = ledger
        self.agent = agent
        self.show = show

    async def watch(self, case: Case, patience: float) -> Verdict:
        """Wait for the next call and judge it.

        Args:
            case: What the person was told to do.
            patience: Seconds until the call must have begun, and from then on until it must have ended.
        """
        since = self.ledger.clock()
        try:
            call = await asyncio.wait_for(self._next_call(since), patience)
        except TimeoutError:
            problem = "no call came: is the worker running with this ledger, and does your number lead to it?"
            return Verdict(case.name, False, None, None, None, (problem,))
        try:
            await asyncio.wait_for(self._follow(call.id), patience)
        except TimeoutError:
            return Verdict(case.name, False, call.id, None, None, ("the call did not end",))
        return await self._judge(case, call.id)

    async def _next_call(self, since: float) -> CallRow:
        while True:
            for call in await self.ledger.calls(since, 10):
                if call.agent == self.agent:
                    return call
            await asyncio.sleep(LOOK_SECONDS)

    async def _follow(self, call_id: str) -> None:
        shown = 0
        while True:
            call = await self.ledger.call(call_id)
            moments = await self.ledger.timeline(call_id)
            for moment in moments[shown:]:
                self.show(moment)
            shown = len(moments)
            if call is not None and call.ended is not None:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _judge(self, case: Case, call_id: str) -> Verdict:
        evidence = await self._evidence(call_id)
        outcome = last_outcome(await self.ledger.timeline(call_id))
        problems = []
        if case.outcomes and outcome not in case.outcomes:
            wanted = " or ".join(sorted(f"“{OUTCOME_WORDS[one]}”" for one in case.outcomes))
            got = f"“{OUTCOME_WORDS[outcome]}”" if outcome else "nobody was dialled"
            problems.append(f"the transfer should have come to {wanted}; got {got}")
        if case.evidence and evidence not in case.evidence:
            problems.append(
                f"the caller should have been kept by {' or '.join(sorted(case.evidence))}; "
                f"got {evidence or 'an open obligation'}; `callisi calls {call_id}` shows why"
            )
        name = outcome.value if outcome else None
        return Verdict(case.name, not problems, call_id, name, evidence, tuple(problems))

    async def _evidence(self, call_id: str) -> str | None:
        """What closed the obligation; a message gets its time."""
        for _ in range(int(MESSAGE_SECONDS / LOOK_SECONDS)):
            for row in await self.ledger.obligations(open_only=False):
                if row.call_id == call_id and row.evidence is not None:
                    return row.evidence
            if not await self.ledger.unfinished():
                return None
            await asyncio.sleep(LOOK_SECONDS)
        return None


def last_outcome(moments: list[EventRow]) -> Outcome | None:
    """What the last dial came to, as the machine settled it; None when nobody was dialled."""
    found: Outcome | None = None
    dialled = False
    for moment in moments:
        dialled = dialled or moment.kind in ("effect.Dial", "effect.Refer")
        if moment.kind == "effect.Settle" and dialled:
            found = Outcome(str(moment.data["outcome"]))
    return found
