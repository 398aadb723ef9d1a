"""The simulation finds nothing in the product, and finds what is broken on purpose."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping

import pytest

from callisi_runtime.call import Delivery
from callisi_runtime.call.books import Books
from callisi_runtime.call.hands import Hands
from callisi_runtime.call.ledger_books import LedgerBooks
from callisi_runtime.ledger import Ledger, safety
from callisi_runtime.ledger.values import Note
from callisi_runtime.plan import CallPlan
from callisi_runtime.simulate import Defects, Report, simulate
from callisi_runtime.simulate.report import Finding


class Around:
    """Passes everything on to what it is put around."""

    def __init__(self, inner: object) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


class ForgetsToArm(Around):
    """The safety note rests because a message stands in for it, which is never written before the dial."""

    inner: LedgerBooks

    async def arm(self, note: Note, due_in: float) -> None:
        await self._rest()

    async def save(self, phase: str, state: Mapping[str, object]) -> None:
        await self.inner.save(phase, state)
        await self._rest()

    async def _rest(self) -> None:
        self.inner.safety = lambda: None
        await self.inner.ledger.write(safety.rest, self.inner.call_id, self.inner.ledger.clock())


class SaysNotifiedEarly(Around):
    async def deliver(self, note: Note) -> Delivery:
        return Delivery("accepted", "sms")


class ForgetsToDrop(Around):
    async def drop(self, leg: str) -> None:
        """The telephone rings on."""


class DialsTwice(Around):
    inner: Hands

    async def dial(self, leg: str, target: int, ring_timeout: int, *, refer: bool) -> None:
        await self.inner.dial(leg, target, ring_timeout, refer=refer)
        await self.inner.dial(f"{leg}-again", target, ring_timeout, refer=refer)


class ClosesEverything(Around):
    inner: Books

    async def settle(self, note: Note | None, *, outcome: str, send: bool, evidence: str | None) -> None:
        await self.inner.settle(None, outcome=outcome, send=False, evidence="served")


class Trips(Around):
    async def bridge(self, leg: str) -> None:
        raise RuntimeError("a mistake of ours")


DEFECTS = [
    pytest.param(Defects(books=ForgetsToArm), "lost_caller", id="forgets to arm"),  # type: ignore[arg-type]
    pytest.param(Defects(books=SaysNotifiedEarly), "false_statement", id="says notified early"),  # type: ignore[arg-type]
    pytest.param(Defects(hands=ForgetsToDrop), "false_statement", id="forgets to drop"),  # type: ignore[arg-type]
    pytest.param(Defects(hands=DialsTwice), "duplicate_dial", id="dials twice"),  # type: ignore[arg-type]
    pytest.param(Defects(books=ClosesEverything), "lost_caller", id="closes everything"),  # type: ignore[arg-type]
    pytest.param(Defects(hands=Trips), "stumble", id="stumbles"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("defects", "kind"), DEFECTS)
def test_what_is_broken_on_purpose_is_found(praxis: CallPlan, defects: Defects, kind: str) -> None:
    for seed in range(1, 36):
        report = simulate(praxis, 5, seed, defects=defects)
        found = [one for one in report.findings if one.kind == kind]
        if found:
            assert report.broken()
            again = simulate(praxis, 5, seed, only=found[0].call, defects=defects)
            assert found[0] in again.findings, "the call alone does not show it"
            return
    pytest.fail("175 calls did not show it")


@pytest.mark.parametrize("agent", ["clara", "praxis"])
def test_nobody_is_lost_and_nothing_false_is_said(agent: str, request: pytest.FixtureRequest) -> None:
    plan: CallPlan = request.getfixturevalue(agent)
    report = simulate(plan, 40, 20_261_123)
    assert report.broken() == []
    assert report.counts["killed"] > 5
    assert report.counts["messages"] > 5
    assert report.counts["person took the call"] > 1


def test_the_same_seed_plays_the_same_calls(praxis: CallPlan) -> None:
    first, second, other = (simulate(praxis, 6, seed) for seed in (7, 7, 8))
    assert first.counts == second.counts
    assert list(first.story) == list(second.story)
    assert list(first.story) != list(other.story)


@pytest.mark.timeout(60)
def test_the_thousandth_call_is_played_like_the_first(clara: CallPlan) -> None:
    report = simulate(clara, 1000, 1, only=100_665)
    assert report.counts["sentences"] > 0


def test_several_processes_play_the_same_calls(clara: CallPlan) -> None:
    alone, shared = simulate(clara, 8, 3), simulate(clara, 8, 3, jobs=2)
    assert alone.counts == shared.counts
    assert alone.findings == shared.findings


def test_it_leaves_chance_and_logs_as_they_were(clara: CallPlan) -> None:
    random.seed(1)
    expected = random.Random(1).random()
    handlers = list(logging.getLogger("callisi").handlers)
    simulate(clara, 2, 1)
    assert random.random() == expected
    assert logging.getLogger("callisi").handlers == handlers


def test_the_ledger_of_a_simulation_can_be_kept(clara: CallPlan, tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/kept.db"
    simulate(clara, 3, 1, database=url)

    async def stored() -> list[str]:
        ledger = Ledger(url)
        await ledger.open()
        calls = await ledger.calls()
        await ledger.close()
        return sorted(call.id for call in calls)

    assert asyncio.run(stored()) == ["SCL_1_000000", "SCL_1_000001", "SCL_1_000002"]


def finding(kind: str, explanation: str | None = None) -> Finding:
    return Finding(kind, 1, 1, "what", explanation)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("calls", "findings", "broken"),
    [
        (1000, [], False),
        (1000, [finding("duplicate_message", "its answer was lost")], False),
        (1000, [finding("duplicate_message", "its answer was lost")] * 2, True),
        (2000, [finding("duplicate_message", "its answer was lost")] * 2, False),
        (1000, [finding("duplicate_message")], True),
        (1000, [finding("lost_caller")], True),
        (1000, [finding("false_statement")], True),
        (1000, [finding("duplicate_dial")], True),
        (1000, [finding("stumble")], True),
    ],
)
def test_what_counts_as_broken(calls: int, findings: list[Finding], broken: bool) -> None:
    assert bool(Report("clara", calls, 1, findings).broken()) is broken
