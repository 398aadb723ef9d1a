"""What a call may cost. Money is set aside before it is spent, at the worst price: nothing is counted afterwards.

The caller's whole time with the agent and every message are set aside when the call begins (`plan.budget` is what is
left after that). Each answer of the language model, each telephone dialled and each minute with a person is paid for
before it is asked for. A turn never takes what one more transfer needs, and a transfer never takes more than there is.

Amounts are whole numbers of one small unit.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import MAX_TRANSFERS, Budget, CallState, FlowPlan, Phase

if TYPE_CHECKING:
    from callisi_runtime.flow.moves import Move

MINUTE = 60.0
LEAST_TALK = 3
"""Minutes with a person without which nobody is dialled: two to talk, one for a successor, whose clock starts anew."""
MARGIN = 6.0
"""Seconds by which a talk ends before the minute is over, so that hanging up does not begin another."""
TALKS = (Phase.GREETING, Phase.CONVERSING)
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
    if budget is None or not budget.exact:
        return plan.talk_seconds
    affordable = left(budget, move.state) // budget.talk - 1
    minutes = max(0, min(ceil(plan.talk_seconds / MINUTE), affordable))
    _pay(move, budget, minutes * budget.talk)
    return min(plan.talk_seconds, max(0.0, minutes * MINUTE - MARGIN))


def pay_again(move: Move) -> tuple[float | None, tuple[on.Event, ...]]:
    """A successor starts the clocks anew, and pays for them anew.

    Returns:
        Seconds that it may give to talk (None: money sets no bound), and what it cannot pay any more.
    """
    plan, budget = move.plan, move.plan.budget
    if budget is None or not budget.exact:
        return None, ()
    if move.state.phase is Phase.CONNECTED:
        minutes = min(ceil(plan.talk_seconds / MINUTE), left(budget, move.state) // budget.talk)
        _pay(move, budget, minutes * budget.talk)
        return max(0.0, minutes * MINUTE - MARGIN), ()
    if left(budget, move.state) >= budget.line:
        _pay(move, budget, budget.line)
        return plan.call_seconds, ()
    return 0.0, (on.BudgetSpent(dials=True),)


def _pay(move: Move, budget: Budget, amount: int, keep: int = 0) -> None:
    move.set(paid=move.state.paid + amount)
    if left(budget, move.state) < keep + transfer_cost(move.plan, budget):
        move.set(grounded=True)
