"""The machine as properties: total, never breaking a promise, storable, and the proof's forms lose nothing."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from callisi_runtime.flow import CallState, FlowPlan, Outcome, Phase, step
from callisi_runtime.flow import events as on
from callisi_runtime.prove.canon import canonical
from callisi_runtime.prove.happenings import ALWAYS, Happenings
from callisi_runtime.prove.walk import Walk, judge
from callisi_runtime.prove.world import World, happen
from tests.prove.shapes import SHAPES, TRANSFER

ANY_EVENT: tuple[on.Event, ...] = (
    *ALWAYS,
    on.Arrived(False, False, (0,)),
    on.Said("greeting", heard=False),
    on.LegFailed("human-1", Outcome.DECLINED),
    on.NoteAccepted(1, "sms"),
    on.NoteFailed(1),
    on.TimerFired("quiet"),
)


def test_every_event_is_defined_in_every_phase() -> None:
    plan = SHAPES["comes back"]
    graph = Walk(plan, None, step).run()
    seen: dict[Phase, CallState] = {}
    for state, _ in graph.nodes:
        seen.setdefault(state.phase, state)
    assert set(seen) == set(Phase) - {Phase.TAKING_MESSAGE}
    for state in (*seen.values(), CallState(phase=Phase.TAKING_MESSAGE, asking="subject", then="listen")):
        for event in ANY_EVENT:
            after, effects = step(plan, state, event)
            assert isinstance(after, CallState)
            assert isinstance(effects, tuple)


class Call:
    """One random call, judged like every call of the proof."""

    def __init__(self, plan: FlowPlan) -> None:
        self.plan, self.state, self.world = plan, CallState(), World()
        self.happenings = Happenings(plan)

    def go(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.happenings.of(self.world)))
        self.state, effects = step(self.plan, before := self.state, event)
        old, world = self.world, happen(self.world, event)
        self.world, broken = judge(self.plan, None, event, self.state.phase, old, world, effects)
        assert broken == [], (event, before, effects)


@given(st.sampled_from(sorted(SHAPES)), st.data())
@settings(max_examples=150, deadline=None)
def test_no_interleaving_breaks_a_promise(shape: str, data: st.DataObject) -> None:
    call = Call(SHAPES[shape])
    for _ in range(data.draw(st.integers(1, 40))):
        call.go(data)


@given(st.sampled_from(sorted(SHAPES)), st.data())
@settings(max_examples=100, deadline=None)
def test_a_state_survives_the_ledger(shape: str, data: st.DataObject) -> None:
    call = Call(SHAPES[shape])
    for _ in range(data.draw(st.integers(1, 20))):
        call.go(data)
        assert CallState.from_dict(json.loads(json.dumps(call.state.as_dict()))) == call.state


def test_a_state_of_another_version_is_read() -> None:
    plain = {**CallState(phase=Phase.CONVERSING).as_dict(), "from_the_future": 1}
    del plain["news"]
    assert CallState.from_dict(plain).phase is Phase.CONVERSING


@given(st.sampled_from(sorted(set(SHAPES) - {"two at once", "three in order"})), st.data())
@settings(max_examples=200, deadline=None)
def test_the_form_of_a_moment_loses_nothing_that_matters(shape: str, data: st.DataObject) -> None:
    """From a moment and from its form the same events lead to moments of the same form."""
    plan = SHAPES[shape]
    real, form = (CallState(), World()), canonical(plan, CallState(), World())
    happenings = Happenings(plan)
    for _ in range(data.draw(st.integers(1, 40))):
        event = data.draw(st.sampled_from(happenings.of(form[1])))
        there = onward(plan, *form, event)
        names = {"human-1": real[0].legs[0].id} if real[0].legs else {}
        real = onward(plan, *real, renamed(event, names, real, form))
        form = canonical(plan, *there)
        assert canonical(plan, *real) == form, event


def onward(plan: FlowPlan, state: CallState, world: World, event: on.Event) -> tuple[CallState, World]:
    after, effects = step(plan, state, event)
    world, _ = judge(plan, None, event, after.phase, world, happen(world, event), effects)
    return after, world


def renamed(
    event: on.Event, names: dict[str, str], real: tuple[CallState, World], form: tuple[CallState, World]
) -> on.Event:
    """The form's event in the words of the real moment."""
    match event:
        case on.Said(key, heard) if key in form[1].speech:
            return on.Said(real[1].speech[form[1].speech.index(key)], heard)
        case on.TimerFired(name) if ":" in name:
            kind, _, leg = name.partition(":")
            return on.TimerFired(f"{kind}:{names.get(leg, leg)}")
        case on.KeyPressed(key, str(leg)):
            return on.KeyPressed(key, names.get(leg, leg))
        case on.LegFailed(leg, outcome):
            return on.LegFailed(names.get(leg, leg), outcome)
        case on.LegRinging(leg) | on.LegAnswered(leg) | on.LegLeft(leg):
            return type(event)(names.get(leg, leg))
        case on.NoteAccepted(number, channel):
            return on.NoteAccepted(number + real[1].number - form[1].number, channel)
        case on.NoteFailed(number):
            return on.NoteFailed(number + real[1].number - form[1].number)
    return event


def test_nobody_is_dialled_while_the_greeting_is_said() -> None:
    state, _ = step(TRANSFER, CallState(), on.Arrived(allowed=(0,)))
    state, effects = step(TRANSFER, state, on.PersonWanted())
    assert effects == ()
    state, _ = step(TRANSFER, state, on.Said("greeting"))
    assert state.phase is Phase.CONNECTING
