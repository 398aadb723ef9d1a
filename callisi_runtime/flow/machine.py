"""`step(plan, state, event) -> (state, effects)`: pure and total. Every event is defined in every phase."""

from __future__ import annotations

from collections.abc import Callable

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import ending, talking, transferring
from callisi_runtime.flow import events as on
from callisi_runtime.flow.dialling import converse
from callisi_runtime.flow.model import CallState, FlowPlan, Phase
from callisi_runtime.flow.moves import PAID_TIME, Move
from callisi_runtime.flow.purse import admit

PHASES: dict[Phase, Callable[[Move, on.Event], None]] = {
    Phase.SCREENING: talking.screening,
    Phase.GREETING: talking.greeting,
    Phase.CONVERSING: talking.conversing,
    Phase.CONNECTING: transferring.ringing,
    Phase.ACCEPTING: transferring.ringing,
    Phase.CONNECTED: transferring.connected,
    Phase.TAKING_MESSAGE: talking.taking_message,
    Phase.NOTIFYING: ending.notifying,
    Phase.CLOSING: ending.closing,
    Phase.ENDED: ending.ended,
}


def step(plan: FlowPlan, state: CallState, event: on.Event) -> tuple[CallState, tuple[do.Effect, ...]]:
    """What a call does about an event.

    Args:
        plan: What the file says, resolved.
        state: Where the call is.
        event: What happened.

    Returns:
        The new state, and what the driver has to do, in order. An event that means nothing here, a late timer or a
        doubled report changes nothing.
    """
    match event:
        case on.TimerFired(name) if name not in state.timers:
            return state, ()
        case on.LegAnswered(leg) if state.leg(leg) is None:
            # Nobody answers into an empty room: who picks up after the phone was given up is hung up on.
            return state, (do.Drop(leg),)
    if plan.budget is not None and plan.budget.exact:
        state, event = admit(plan, plan.budget, state, event)
    move = Move(plan, state)
    match event:
        case on.TimerFired(name):
            move.set(timers=state.timers - {name})
            if name == PAID_TIME:
                ending.paid_out(move)
            else:
                PHASES[state.phase](move, event)
        case on.Said(key, heard):
            said(move, key, heard=heard)
        case on.Resumed(elapsed):
            ending.open_gap(move)
            if state.phase not in (Phase.SCREENING, Phase.ENDED):
                for news in ending.resume(move, elapsed):
                    PHASES[move.state.phase](move, news)
        case _:
            PHASES[state.phase](move, event)
    if move.state is not state:
        ending.close_gap(move)
    return move.state, tuple(move.effects)


def said(move: Move, key: str, *, heard: bool) -> None:
    """A sentence is over, and so are those before it; when it was the last, the call goes on."""
    speech = move.state.speech
    if key not in speech:
        return
    if heard and move.state.gap:
        move.set(gap=False)
    move.set(speech=speech[speech.index(key) + 1 :])
    if not move.state.speech:
        silence_fell(move)


def silence_fell(move: Move) -> None:
    """Everything has been said: what follows?"""
    if move.state.phase is Phase.NOTIFYING:
        return  # the channel's word comes first, whatever the caller wants by now
    match move.state.then:
        case "converse":
            converse(move)
        case "person" | "message":
            talking.grant(move)
        case "close":
            ending.finish(move)
        case "listen":
            move.set(then="stay")
            if move.state.phase in (Phase.TAKING_MESSAGE, Phase.CONVERSING):
                move.start("quiet", move.plan.caller_silence)
            else:
                move.listen(move.state.able)
