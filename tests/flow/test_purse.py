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

TURN, LEG, TALK = 10, 50, 100
SECONDS, TAIL = 1194.0, 300.0


def plan(free: int, **more: object) -> FlowPlan:
    budget = Budget(free=free, turn=TURN, leg=LEG, talk=TALK, seconds=SECONDS, tail=TAIL)
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
    # five minutes are paid, the last of them warned of
    assert do.StartTimer("talk", 5 * 60 - 6 - 60) in done


def test_a_day_that_is_used_up_is_answered_without_model_and_without_transfer() -> None:
    arrived = on.Arrived(allowed=(0,), funds=False)
    state, done = play(plan(10_000), arrived, GREETED)
    assert do.Listen(True) not in done
    assert not any(isinstance(effect, do.Dial) for effect in done)
    assert [effect.key for effect in done if isinstance(effect, do.Say)] == ["greeting", "over_budget"]
    assert (state.phase, state.outcome) == (Phase.NOTIFYING, Outcome.OVER_BUDGET)


def started(done: list[do.Effect], name: str) -> list[float]:
    return [one.seconds for one in done if isinstance(one, do.StartTimer) and one.name == name]


def test_a_successor_finds_the_paid_time_where_it_stands_and_pays_nothing() -> None:
    state, done = play(
        plan(ONE_TRANSFER), ARRIVED, GREETED, *[on.Resumed(float(at)) for at in (60, 120, 180, 240)]
    )
    assert (state.paid, state.able) == (0, True)
    assert started(done, "paid") == [SECONDS, 1134.0, 1074.0, 1014.0, 954.0]


def test_a_successor_that_comes_late_talks_as_long_as_transfers_and_messages_leave_it() -> None:
    _, done = play(plan(ONE_TRANSFER), ARRIVED, GREETED, on.Resumed(800.0))
    assert started(done, "call")[-1] == SECONDS - TAIL - 800.0


def test_a_successor_without_time_for_a_talk_says_so_and_dials_nobody() -> None:
    state, done = play(plan(ONE_TRANSFER), ARRIVED, GREETED, on.Resumed(1000.0))
    assert (state.able, state.listening, state.grounded) == (False, False, True)
    assert do.Say("over_budget") in done
    assert started(done, "paid")[-1] == SECONDS - 1000.0
    assert not any(isinstance(effect, do.Dial) for effect in done)


@pytest.mark.parametrize("came", [on.Resumed(SECONDS), on.Resumed(9999.0), on.TimerFired("paid")])
def test_when_the_paid_time_is_over_the_call_ends_and_staff_learns_of_the_caller(came: on.Event) -> None:
    state, done = play(plan(ONE_TRANSFER), ARRIVED, GREETED, came)
    assert state.phase is Phase.ENDED
    assert do.Settle(Outcome.INTERRUPTED, 1, True) in done
    assert done[-1] == do.HangUp()


TALKING = (ARRIVED, GREETED, on.PersonWanted(), on.LegAnswered("human-1"), on.KeyPressed("1", "human-1"))


def test_a_talk_that_a_successor_finds_is_not_longer_than_what_is_paid() -> None:
    short = plan(LEG + 5 * TALK)
    state, done = play(short, *TALKING, on.Resumed(100.0), on.Resumed(200.0))
    assert (state.paid, state.talk) == (LEG + 5 * TALK, 5)
    assert started(done, "talk_end") == [5 * 60 - 6 - 100.0, 5 * 60 - 6 - 200.0]
    state, done = play(short, *TALKING, on.Resumed(5 * 60.0))
    assert state.phase is Phase.ENDED


def test_a_successor_buys_the_minutes_that_are_missing_while_the_money_lasts() -> None:
    rich = plan(LEG + 7 * TALK, talk_seconds=240.0)
    state, done = play(rich, *TALKING, on.Resumed(100.0))
    assert (state.talk, state.bought, state.paid) == (6, 6, LEG + 6 * TALK)
    assert started(done, "talk_end") == [240.0]
    state, _ = play(rich, *TALKING, on.Resumed(100.0), on.Resumed(300.0))
    assert (state.talk, state.paid) == (7, LEG + 7 * TALK)  # all there is, and no more


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
            case do.StartTimer("talk_end", seconds) if isinstance(event, on.Resumed):
                cost += (ceil((seconds + event.elapsed) / 60) - before.talk) * budget.talk
    return cost


LATER = tuple(on.Resumed(float(elapsed)) for elapsed in (30, 90, 400))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("turns", [1, 3])
def test_no_course_of_a_call_costs_more_than_it_may(turns: int) -> None:
    """Every course, with real amounts; successors may come as often as they like."""
    tried = plan(ONE_TRANSFER + turns * TURN, channels=(), talk_seconds=240.0)
    budget = tried.budget
    assert budget is not None
    happenings = Happenings(tried)
    start = (CallState(), World(), 0)
    seen, waiting, most = {start}, deque([start]), 0
    while waiting:
        state, world, cost = waiting.popleft()
        for event in (*happenings.of(world), *(LATER if world.greeted else ())):
            if isinstance(event, on.BudgetSpent | on.DialsSpent):
                continue
            after, effects = step(tried, state, event)
            paid = cost + max(0, price(tried, state, after, event, effects))
            assert paid <= budget.free, f"{event} costs {paid} of {budget.free}"
            assert after.paid <= budget.free
            outer = happen(world, event)
            for effect in effects:
                outer = carry_out(outer, tried, effect)
            node = (*canonical(tried, after, outer), paid)
            most = max(most, paid)
            if node not in seen:
                seen.add(node)
                waiting.append(node)
    assert most > budget.free - TALK  # the purse is used, not only guarded


def test_a_transfer_costs_every_telephone_and_the_shortest_talk() -> None:
    two = plan(0, ring_timeouts=(25, 20))
    assert two.budget is not None
    assert transfer_cost(two, two.budget) == 2 * LEG + LEAST_TALK * TALK
