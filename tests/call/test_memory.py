"""What a successor gets of a call is what its predecessor knew."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from callisi_runtime.call import CallRunner, LoopClock, NoBooks
from callisi_runtime.call.memory import Memory, make_good, recall, remember
from callisi_runtime.call.record import Line
from callisi_runtime.flow import CallState, Outcome, Phase
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import Leg
from callisi_runtime.plan import CallFacts, CallPlan, make_plan
from callisi_runtime.plan.facts import Message, sample_call
from callisi_runtime.settings import Settings
from callisi_runtime.source import load
from callisi_runtime.spec import AgentSpec

from .quiet import QuietHands, agent_file

if TYPE_CHECKING:
    from collections.abc import Mapping

words = st.text(max_size=40)
legs = st.lists(
    st.builds(
        Leg,
        st.sampled_from(["human-1", "human-2", "human-3"]),
        st.integers(0, 2),
        st.sampled_from(["dialling", "ringing", "answered", "joined"]),
    ),
    max_size=3,
).map(tuple)
keys = st.lists(
    st.sampled_from(["greeting", "no_answer", "notified", "goodbye"]), max_size=3, unique=True
).map(tuple)
states = st.builds(
    CallState,
    phase=st.sampled_from([phase for phase in Phase if phase is not Phase.SCREENING]),
    caller_known=st.booleans(),
    allowed=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    waiting=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    legs=legs,
    speech=keys,
    then=st.sampled_from(["stay", "converse", "listen", "person", "close"]),
    timers=st.frozensets(st.sampled_from(["call", "quiet", "word", "ring:human-1"]), max_size=3),
    note=st.sampled_from(["none", "armed", "sending", "accepted", "failed"]),
    notes=st.integers(0, 3),
    outcome=st.none() | st.sampled_from(list(Outcome)),
    evidence=st.none() | st.sampled_from(["served", "withdrew", "accepted_by_person"]),
)
lines = st.lists(
    st.builds(Line, st.floats(0, 900).map(lambda at: round(at, 3)), st.just("caller"), words), max_size=5
)


@cache
def plan() -> CallPlan:
    """Clara's."""
    return make_plan(load(agent_file(), AgentSpec, env={}).value, Settings())


def runner_of(state: CallState, facts: CallFacts, said: list[Line]) -> CallRunner:
    """A call in that state; nothing is carried out."""
    runner = CallRunner(plan(), facts, QuietHands(), NoBooks(), LoopClock(), state)
    runner.record.transcript.extend(said)
    return runner


@settings(deadline=None, max_examples=60)
@given(states, words, words, st.sampled_from(list(Outcome)), lines)
def test_a_memory_survives_its_way_through_json(
    state: CallState, subject: str, name: str, outcome: Outcome, said: list[Line]
) -> None:
    async def there_and_back() -> None:
        caller = sample_call()
        facts = CallFacts(
            id="SCL_1",
            caller=caller.caller,
            started=datetime(2026, 11, 23, 20, 30, 1, 250_000, tzinfo=UTC),
            message=Message(subject, name, ""),
            outcome=outcome,
            channel="whatsapp",
        )
        runner = runner_of(state, facts, said)
        stored = json.loads(json.dumps(remember(runner)))
        await runner.stop()
        before = recall(stored, CallFacts(id="SCL_1", caller=caller.caller))
        assert before is not None
        assert before[0] == state
        assert before[1] == facts
        assert before[2] == said

    asyncio.run(there_and_back())


def test_what_cannot_be_understood_counts_as_nothing() -> None:
    facts = sample_call()
    good: dict[str, Any] = {"call": facts.id, "flow": {"phase": "nonsense"}}
    for memory in (None, {}, {"flow": 3}, good, {"flow": CallState().as_dict()}):
        assert recall(memory, facts) is None


async def test_the_memory_of_another_call_is_not_taken() -> None:
    facts = sample_call()
    runner = runner_of(CallState(phase=Phase.CONVERSING), facts, [])
    memory = remember(runner)
    await runner.stop()
    assert recall(memory, facts) is not None
    assert recall({**memory, "call": "SCL_other"}, facts) is None


async def test_a_caller_who_was_not_greeted_yet_is_greeted_as_new() -> None:
    facts = sample_call()
    runner = runner_of(CallState(phase=Phase.SCREENING), facts, [])
    memory = remember(runner)
    await runner.stop()
    assert recall(memory, facts) is None


async def test_the_watchdog_has_every_step_before_any_database() -> None:
    kept: list[Mapping[str, object]] = []
    runner = runner_of(CallState(), sample_call(), [])
    stuck = asyncio.Event()

    async def save(phase: str, state: Mapping[str, object]) -> None:
        await stuck.wait()

    async def tell(moments: object) -> None:
        """Nothing is told."""

    memory = Memory(runner, save, tell, kept.append)
    runner.feed(on.Arrived())
    runner.feed(on.CallerLeft())
    assert [state["flow"]["phase"] for state in kept] == ["greeting", "ended"]  # type: ignore[index]
    await memory.close()
    await runner.stop()


class Written(NoBooks):
    """Books that remember what was written."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def arm(self, note: Any, due_in: float) -> None:
        self.done.append("arm")

    async def settle(self, note: Any, *, outcome: str, send: bool, evidence: str | None) -> None:
        self.done.append(f"settle {outcome} {send}")

    async def close(self, evidence: str) -> None:
        self.done.append(f"close {evidence}")


async def test_what_was_decided_and_perhaps_not_written_is_written() -> None:
    runner = runner_of(CallState(), sample_call(), [])
    await runner.stop()

    async def done(state: CallState) -> list[str]:
        books = Written()
        await make_good(runner.plan, runner.facts, state, books)
        return books.done

    assert await done(CallState(note="sending", notes=1)) == ["settle rang_out True"]
    assert await done(CallState(note="armed", notes=1)) == ["arm"]
    assert await done(CallState(note="accepted", notes=1, evidence="served")) == ["close served"]
    assert await done(CallState()) == []
