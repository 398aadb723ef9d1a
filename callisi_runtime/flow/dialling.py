"""The caller wants a person: dial, ring on, or say why not and see to the message."""

from __future__ import annotations

from callisi_runtime.flow import effects as do
from callisi_runtime.flow.model import MAX_TRANSFERS, CallState, FlowPlan, Leg, Outcome, Phase
from callisi_runtime.flow.moves import Move, say_goodbye, word_for
from callisi_runtime.flow.promising import DELIVERY_GRACE, arm, promise_message
from callisi_runtime.flow.purse import pay_dials

DIAL_GRACE = 8.0
"""Seconds over the ring timeout after which a dial that reported nothing is given up."""


def can_dial(state: CallState) -> bool:
    """Whether there is anybody to dial."""
    return state.open and bool(state.allowed) and state.transfers < MAX_TRANSFERS and not state.grounded


def converse(move: Move) -> None:
    """The floor is the caller's, and the language model may answer."""
    if move.state.news:
        move.set(phase=Phase.CONVERSING, then="converse", news=False)
        move.say(word_for(move.state.note))
        return
    if not move.state.able:
        helpless(move)
        return
    move.set(phase=Phase.CONVERSING, then="stay", asking=None)
    move.listen(True)
    move.start("quiet", move.plan.caller_silence)


def helpless(move: Move) -> None:
    """No conversation is possible: a key leads to a person, or the caller is put through unasked, or staff is told."""
    state = move.state
    if state.owed or state.evidence is not None or state.transfers:
        say_goodbye(move, why_helpless(state))
    elif state.model_up and can_dial(state):
        move.set(phase=Phase.CONVERSING, then="listen")
        move.say("keypad")
    else:
        want_person(move, why_helpless(state))


def why_helpless(state: CallState) -> str:
    """The sentence that says why the conversation does not go on."""
    return "over_budget" if state.over_budget else "model_down"


def want_person(move: Move, *before: str) -> None:
    """The caller wants a person: dial, or say why not and take a message."""
    state = move.state
    move.set(owed=True, nudges=0, news=False)
    move.stop("quiet")
    move.say(*before)
    if can_dial(state):
        start_transfer(move)
        return
    if not state.transfers:
        move.set(outcome=Outcome.OVER_BUDGET if state.open and state.grounded else Outcome.CLOSED)
    if not state.open:
        move.say("closed")
    elif state.transfers:
        move.say("no_answer")
    elif move.plan.channels and not before:
        move.say("moment")
    nobody(move)


def nobody(move: Move) -> None:
    """No person takes the call: staff gets a message, or the caller hears where to call."""
    if move.plan.channels:
        promise_message(move)
    elif move.state.able:
        move.listen(False)
        move.set(phase=Phase.CONVERSING, then="converse")
        move.say("no_person")
    else:
        say_goodbye(move, "no_person")


def start_transfer(move: Move) -> None:
    """Arm the message, dial, and tell the caller; the dial does not wait for the sentence."""
    plan, state = move.plan, move.state
    move.set(
        phase=Phase.CONNECTING,
        then="stay",
        waiting=state.allowed,
        transfers=state.transfers + 1,
        outcome=None,
    )
    move.listen(False)
    pay_dials(move)
    if state.note == "none":
        arm(move, longest_transfer(plan, state.allowed) + DELIVERY_GRACE)
    move.say("connecting")
    dial_next(move)
    move.ringback(True)
    move.start("word", plan.word_every)
    if plan.ask_while_ringing and state.able and not state.subject:
        move.say("ask")
        move.set(then="listen")


def longest_transfer(plan: FlowPlan, targets: tuple[int, ...]) -> float:
    """Seconds that dialling these targets can take at most."""
    each = [plan.ring_timeouts[target] + DIAL_GRACE + plan.accept_timeout for target in targets]
    return max(each) if plan.at_once else sum(each)


def dial_next(move: Move) -> None:
    """Dial the next target, or all of them at once."""
    waiting = move.state.waiting
    targets = waiting if move.plan.at_once else waiting[:1]
    move.set(waiting=waiting[len(targets) :])
    for target in targets:
        leg = Leg(f"human-{move.state.dialled + 1}", target)
        move.set(dialled=move.state.dialled + 1, legs=(*move.state.legs, leg))
        seconds = move.plan.ring_timeouts[target]
        move.do((do.Refer if move.plan.refer else do.Dial)(leg.id, target, seconds))
        move.start(f"ring:{leg.id}", seconds + DIAL_GRACE)


def leg_lost(move: Move, leg: Leg, outcome: Outcome) -> None:
    """A dial came to nothing: ring the next, or tell the caller. Busy is only said when every line was."""
    move.forget(leg)
    if outcome is not Outcome.BUSY or move.state.outcome is None:
        move.set(outcome=outcome)
    if any(one.state == "answered" for one in move.state.legs):
        return
    move.set(phase=Phase.CONNECTING)
    if move.state.legs:
        return
    if move.state.waiting:
        dial_next(move)
    else:
        unreached(move)


def unreached(move: Move, *before: str) -> None:
    """Nobody took the call: say so at once, then see to the message."""
    move.hush()
    move.listen(False)
    move.ringback(False)
    move.stop("word")
    move.say(*before, "busy" if move.state.outcome is Outcome.BUSY else "no_answer")
    nobody(move)
