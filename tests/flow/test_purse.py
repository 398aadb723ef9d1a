"""What a call may cost: money is set aside before it is spent."""

from __future__ import annotations

from collections import deque
from math import ceil

import pytest

from callisi_runtime.flow import CallState, FlowPlan, Phase, step
from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import Budget, Outcome
from callisi_runtime.flow.purse import LEAST_TALK, transfer_cost
from callisi_runtime.prove.canon import canonical
from callisi_runtime.prove.happenings import Happenings
from callisi_runtime.prove.world import World, carry_out, happen

TURN, LEG, TALK, LINE = 10, 50, 100, 200


def plan(free: int, **more: object) -> FlowPlan:
    budget = Budget(free=free, turn=TURN, leg=LEG, talk=TALK, line=LINE)
    values: dict[str, object] = {"ring_timeouts": (25,), "channels": ("sms",), "budget": budget}
    return FlowPlan(**(values | more))  # type: ignore[arg-type]


def play(on_plan: FlowPlan, *events: on.Event) -> tuple[CallState, list[do.Effect]]:
    state, done = CallState(), list[do.Effect]()
    for event in events:
        state, effects = step(on_plan, state, event)
        done += effects
    return state, done


ARRIVED, GREETED = on.Arrived(allowed=(0,)), on.Said("greeting")
ONE_TRANSFER = LEG + LEAST_TALK * TALK


def test_a_turn_that_cannot_be_paid_is_not_answered_and_the_caller_is_put_through() -> None:
    state, done = play(plan(ONE_TRANSFER + 2 * TURN), ARRIVED, GREETED, *[on.CallerSpoke()] * 3)
    assert (state.paid, state.over_budget, state.listening) == (2 * TURN + LEG, True, False)
    assert do.Say("over_budget") in done
    assert any(isinstance(effect, do.Dial) for effect in done)


def test_turns_never_take_what_a_transfer_needs() -> None:
    state, done = play(plan(ONE_TRANSFER), ARRIVED, GREETED, on.CallerSpoke())
    assert state.phase is Phase.CONNECTING
    assert [effect.leg for effect in done if isinstance(effect, do.Dial)] == ["human-1"]


def test_nobody_is_dialled_who_could_not_be_talked_with() -> None:
    state, done = play(plan(ONE_TRANSFER - 1), ARRIVED, GREETED, on.PersonWanted())
    assert not any(isinstance(effect, do.Dial) for effect in done)
    assert (state.outcome, state.phase) == (Outcome.OVER_BUDGET, Phase.NOTIFYING)


def test_a_second_transfer_is_dialled_only_when_it_can_be_paid_as_well() -> None:
    def dials(free: int) -> int:
        _, done = play(
            plan(free), ARRIVED, GREETED, on.PersonWanted(), on.LegFailed("human-1", Outcome.BUSY),
            on.NoteAccepted(1, "sms"), on.Said("anything_else"), on.PersonWanted(),
        )  # fmt: skip
        return sum(isinstance(effect, do.Dial) for effect in done)

    assert (dials(2 * ONE_TRANSFER), dials(2 * ONE_TRANSFER - LEAST_TALK * TALK)) == (2, 1)


def test_a_talk_is_as_long_as_the_money_lasts_and_the_warning_comes_before_its_end() -> None:
    _, done = play(
        plan(LEG + 5 * TALK),
        ARRIVED,
        GREETED,
        on.PersonWanted(),
        on.LegAnswered("human-1"),
        on.KeyPressed("1", "human-1"),
    )
    # five minutes are left: one stays for a successor, so that four are talked, the last of them warned of
    assert do.StartTimer("talk", 4 * 60 - 6 - 60) in done


def test_a_day_that_is_used_up_is_answered_without_model_and_without_transfer() -> None:
    arrived = on.Arrived(allowed=(0,), funds=False)
    state, done = play(plan(10_000), arrived, GREETED)
    assert do.Listen(True) not in done
    assert not any(isinstance(effect, do.Dial) for effect in done)
    assert [effect.key for effect in done if isinstance(effect, do.Say)] == ["greeting", "over_budget"]
    assert (state.phase, state.outcome) == (Phase.NOTIFYING, Outcome.OVER_BUDGET)


def test_a_successor_pays_for_the_time_that_it_starts_anew() -> None:
    richer, _ = play(plan(ONE_TRANSFER + LINE), ARRIVED, GREETED, on.Resumed())
    assert (richer.paid, richer.able) == (LINE, True)
    poorer, done = play(plan(ONE_TRANSFER), ARRIVED, GREETED, on.Resumed(), on.Resumed())
    assert (poorer.paid, poorer.able, poorer.listening) == (LINE, False, False)
    assert not any(isinstance(effect, do.Dial) for effect in done[-12:])


def test_a_plan_without_a_limit_counts_nothing() -> None:
    free = FlowPlan(ring_timeouts=(25,), channels=("sms",))
    state, _ = play(free, on.Arrived(allowed=(0,), funds=False), GREETED, *[on.CallerSpoke()] * 9)
    assert (state.paid, state.over_budget, state.grounded, state.listening) == (0, False, False, True)


def price(
    on_plan: FlowPlan, before: CallState, after: CallState, event: on.Event, effects: tuple[do.Effect, ...]
) -> int:
    """What a step costs, reckoned apart from the machine's own purse."""
    budget = on_plan.budget
    assert budget is not None
    heard = before.listening or before.phase in (Phase.GREETING, Phase.CONVERSING)
    cost = budget.turn if isinstance(event, on.CallerSpoke) and before.able and after.able and heard else 0
    for effect in effects:
        match effect:
            case do.Dial():
                cost += budget.leg
            case do.StartTimer("talk", seconds):
                cost += ceil((seconds + 60) / 60) * budget.talk if seconds > 1 else budget.talk
            case do.StartTimer("talk_end", seconds) if event == on.Resumed():
                cost += ceil(seconds / 60) * budget.talk if seconds > 1 else 0
    return cost


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("turns", [1, 3])
def test_no_course_of_a_call_costs_more_than_it_may(turns: int) -> None:
    """Every course, with real amounts; a successor may come once."""
    tried = plan(ONE_TRANSFER + turns * TURN, channels=(), talk_seconds=240.0)
    budget = tried.budget
    assert budget is not None
    happenings = Happenings(tried)
    start = (CallState(), World(), 0, False)
    seen, waiting, most = {start}, deque([start]), 0
    while waiting:
        state, world, cost, resumed = waiting.popleft()
        for event in happenings.of(world):
            if isinstance(event, on.BudgetSpent | on.DialsSpent) or (event == on.Resumed() and resumed):
                continue
            after, effects = step(tried, state, event)
            paid = cost + price(tried, state, after, event, effects)
            assert paid <= budget.free, f"{event} costs {paid} of {budget.free}"
            assert after.paid <= budget.free
            outer = happen(world, event)
            for effect in effects:
                outer = carry_out(outer, tried, effect)
            form = canonical(tried, after, outer)
            node = (*form, paid, resumed or event == on.Resumed())
            most = max(most, paid)
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    assert most > budget.free - TALK  # the purse is used, not only guarded


def test_a_transfer_costs_every_telephone_and_the_shortest_talk() -> None:
    two = plan(0, ring_timeouts=(25, 20))
    assert two.budget is not None
    assert transfer_cost(two, two.budget) == 2 * LEG + LEAST_TALK * TALK
