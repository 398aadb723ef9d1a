"""The quick walk finds what the plain one finds: the same moments, the same transitions, the same broken promises."""

from __future__ import annotations

import pytest

from callisi_runtime.flow import FlowPlan, step
from callisi_runtime.prove.canon import canonical
from callisi_runtime.prove.walk import Machine, Walk
from tests.prove import plain
from tests.prove.shapes import SHAPES
from tests.prove.test_defects import DEFECTS, spoilt

SMALL: dict[str, FlowPlan] = {
    "basic": FlowPlan(),
    "transfer only": FlowPlan(ring_timeouts=(25,)),
    "asks while it rings": FlowPlan(ring_timeouts=(25,), ask_while_ringing=True, accept="answer"),
    "two at once": FlowPlan(ring_timeouts=(25, 20), at_once=True, accept="answer"),
}
LARGE: dict[str, FlowPlan] = {
    "three in order, referred": FlowPlan(ring_timeouts=(25, 20, 15), refer=True),
    "comes back": FlowPlan(ring_timeouts=(25,), returns=True),
    "three in order": FlowPlan(ring_timeouts=(25, 20, 15), accept="answer"),
    "three at once": FlowPlan(ring_timeouts=(25, 20, 15), at_once=True, accept="answer"),
    "transfer and sms": SHAPES["transfer and sms"],
    "has a limit": SHAPES["has a limit"],
}
CUNNING = (
    "bridges on the answer, without the key",
    "hangs up before telling",
    "closes the obligation while it rings",
    "dials an undeclared target",
    "speaks after the end",
    "never ends",
)
"""Defects that read and write the state each in its own way."""


def same(plan: FlowPlan, machine: Machine = step) -> None:
    slow, quick = plain.walk(plan, machine), Walk(plan, None, machine).run()
    assert quick.nodes == slow.moments
    assert quick.transitions == slow.transitions
    assert {name: one.node for name, one in quick.broken.items()} == slow.broken


@pytest.mark.parametrize("name", SMALL)
def test_the_quick_walk_finds_the_same_moments(name: str) -> None:
    same(SMALL[name])


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", LARGE)
def test_the_quick_walk_finds_the_same_moments_in_large_plans(name: str) -> None:
    same(LARGE[name])


@pytest.mark.parametrize("name", CUNNING)
def test_the_quick_walk_finds_the_same_defects(name: str) -> None:
    same(FlowPlan(ring_timeouts=(25,)), spoilt(DEFECTS[name][0]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["basic", "transfer only"])
def test_without_forms_there_are_more_moments_and_no_broken_promise(name: str) -> None:
    plan = SMALL[name]
    every, forms = plain.walk(plan, step, forms=False), Walk(plan, None, step).run()
    assert not every.broken
    assert not forms.broken
    assert len(every.moments) > len(forms.nodes)
    assert {canonical(plan, *moment) for moment in every.moments} >= set(forms.nodes)
