"""What a call may cost. Money is set aside before it is spent, at the worst price: nothing is counted afterwards.

The caller's whole time with the agent and every message are set aside when the call begins (`plan.budget` is what is
left after that). Each answer of the language model, each telephone dialled and each minute with a person is paid for
before it is asked for. A turn never takes what one more transfer needs, and a transfer never takes more than there is.

The time that is paid has a clock of its own. A successor finds it where it stands: however many there are, none begins
it anew.

Amounts are whole numbers of one small unit.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import MAX_TRANSFERS, Budget, CallState, FlowPlan, Phase
from callisi_runtime.flow.moves import PAID_TIME

if TYPE_CHECKING:
    from callisi_runtime.flow.moves import Move

MINUTE = 60.0
LEAST_TALK = 2
"""Minutes with a person without which nobody is dialled."""
MARGIN = 6.0
"""Seconds by which a talk ends before the minute is over, so that hanging up does not begin another."""
TALKS = (Phase.GREETING, Phase.CONVERSING, Phase.NOTIFYING)
"""Phases of which the model answers what was said, at once or afterwards."""
RINGS = (Phase.CONNECTING, Phase.ACCEPTING)


def left(budget: Budget, state: CallState) -> int:
    """What may still be paid."""
    return budget.free - state.paid


def transfer_cost(plan: FlowPlan, budget: Budget) -> int:
    """What one more transfer needs: every telephone picked up by somebody, and the shortest talk with one."""
    return len(plan.ring_timeouts) * budget.leg + LEAST_TALK * budget.talk


def admit(plan: FlowPlan, budget: Budget, state: CallState, event: on.Event) -> tuple[CallState, on.Event]:
    """Pay for the model's answer to what the caller said; where it cannot be paid, that is the news instead."""
    if not isinstance(event, on.CallerSpoke) or not model_answers(state):
        return state, event
    if left(budget, state) < budget.turn + kept_back(plan, budget, state):
        return state, on.BudgetSpent()
    return state._replace(paid=state.paid + budget.turn), event


def model_answers(state: CallState) -> bool:
    """Whether the model will answer what the caller said now, at once or when we have finished speaking."""
    return state.able and (state.listening or state.phase in TALKS)


def kept_back(plan: FlowPlan, budget: Budget, state: CallState) -> int:
    """What turns may not take: it pays for the person who rings now, or who may be asked for."""
    may_dial = state.open and state.allowed and not state.grounded and state.transfers < MAX_TRANSFERS
    running = LEAST_TALK * budget.talk if state.phase in RINGS else 0
    return running + (transfer_cost(plan, budget) if may_dial else 0)


def open_purse(move: Move, *, funds: bool) -> None:
    """The call begins: without funds, or with too little for one transfer, nobody is dialled."""
    plan, budget = move.plan, move.plan.budget
    if budget is None:
        return
    move.start(PAID_TIME, budget.seconds)
    if not funds:
        move.set(model_up=False, over_budget=True, grounded=True)
    elif budget.exact and left(budget, move.state) < transfer_cost(plan, budget):
        move.set(grounded=True)


def pay_dials(move: Move) -> None:
    """Pay for the telephones of one transfer; a next one must be affordable as well, or there is none."""
    budget = move.plan.budget
    if budget is not None and budget.exact:
        _pay(move, budget, len(move.plan.ring_timeouts) * budget.leg, keep=LEAST_TALK * budget.talk)


def pay_talk(move: Move) -> float:
    """Pay for as long a talk as the file allows and the money lasts; its length in seconds."""
    plan, budget = move.plan, move.plan.budget
    if budget is None:
        return plan.talk_seconds
    minutes = ceil(plan.talk_seconds / MINUTE)
    if budget.exact:
        minutes = _buy(move, budget, minutes)
        move.set(talk=minutes)
    move.do(do.ExtendTimer(PAID_TIME, minutes * MINUTE))
    return min(plan.talk_seconds, max(0.0, minutes * MINUTE - MARGIN))


def talk_left(move: Move, elapsed: float) -> float:
    """Seconds that a successor may let caller and person talk.

    When their talk began, it does not know: it counts from the caller's arrival, and pays what is missing, if it can.
    """
    plan, budget = move.plan, move.plan.budget
    if budget is None or not budget.exact:
        return plan.talk_seconds
    missing = min(plan.talk_seconds, max(0.0, elapsed + plan.talk_seconds - move.state.talk * MINUTE))
    more = _buy(move, budget, ceil(missing / MINUTE))
    move.set(talk=move.state.talk + more)
    return min(plan.talk_seconds, max(0.0, move.state.talk * MINUTE - MARGIN - elapsed))


def paid_seconds(state: CallState, budget: Budget, elapsed: float) -> float:
    """What is left of the time that was paid; nothing, or less, when it is over."""
    return budget.seconds + state.bought * MINUTE - elapsed


def _buy(move: Move, budget: Budget, minutes: int) -> int:
    """Pay for so many minutes with a person, or for as many as the money lasts; how many."""
    minutes = max(0, min(minutes, left(budget, move.state) // budget.talk))
    _pay(move, budget, minutes * budget.talk)
    move.set(bought=move.state.bought + minutes)
    return minutes


def _pay(move: Move, budget: Budget, amount: int, keep: int = 0) -> None:
    move.set(paid=move.state.paid + amount)
    if left(budget, move.state) < keep + transfer_cost(move.plan, budget):
        move.set(grounded=True)
