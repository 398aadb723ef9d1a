"""`step(plan, state, event) -> (state, effects)`: pure and total. Every event is defined in every phase."""

from __future__ import annotations

from collections.abc import Callable

from callisi_runtime.flow import ending, talking, transferring
from callisi_runtime.flow import events as on
from callisi_runtime.flow.effects import Effect
from callisi_runtime.flow.model import CallState, FlowPlan, Phase
from callisi_runtime.flow.moves import Move, converse, want_person

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


def step(plan: FlowPlan, state: CallState, event: on.Event) -> tuple[CallState, tuple[Effect, ...]]:
    """What a call does about an event.

    Args:
        plan: What the file says, resolved.
        state: Where the call is.
        event: What happened.

    Returns:
        The new state, and what the driver has to do, in order. An event that means nothing here, a late timer or a
        doubled report changes nothing.
    """
    move = Move(plan, state)
    if isinstance(event, on.TimerFired):
        if event.name not in state.timers:
            return state, ()
        move.set(timers=state.timers - {event.name})
    if isinstance(event, on.Resumed) and state.phase not in (Phase.SCREENING, Phase.ENDED):
        resume(move)
    if isinstance(event, on.Said):
        said(move, event)
    else:
        PHASES[state.phase](move, event)
    return move.state, tuple(move.effects)


def said(move: Move, event: on.Said) -> None:
    """A sentence is over; when it was the last, the call goes on."""
    if event.key not in move.state.speech:
        return
    speech = list(move.state.speech)
    speech.remove(event.key)
    move.set(speech=tuple(speech))
    if speech:
        return
    then = move.state.then
    if then == "converse":
        converse(move)
    elif then == "person":
        want_person(move)
    elif then == "listen":
        move.set(then="stay")
        if move.state.phase is Phase.TAKING_MESSAGE:
            move.start("quiet", move.plan.caller_silence)
        else:
            move.listen(move.state.model_up)
    elif then == "close":
        ending.finish(move)


def resume(move: Move) -> None:
    """The old process's timers, voice and ringback are gone; the call's own clock starts anew."""
    move.set(timers=frozenset(), ringback=False, listening=False)
    if move.state.phase not in (Phase.CONNECTED, Phase.CLOSING):
        move.start("call", move.plan.call_seconds)
