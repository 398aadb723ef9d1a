"""Notifying, closing, ended, and what a successor does who takes the call over."""

from __future__ import annotations

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.dialling import can_dial, unreached
from callisi_runtime.flow.model import NoteState, Outcome, Phase, Then
from callisi_runtime.flow.moves import LAST_WORDS_SECONDS, PAID_TIME, Move, word_for
from callisi_runtime.flow.promising import can_note, note_event, notify, put_aside, tell, wait_for_channel
from callisi_runtime.flow.purse import paid_seconds, talk_left
from callisi_runtime.flow.talking import OVERRUN_SECONDS, health, leave, take_message, wish

STANDING: dict[NoteState, str] = {
    "none": "failed",
    "armed": "failed",
    "sending": "trying",
    "accepted": "notified",
    "failed": "failed",
}
"""How a message stands, in the sentence that says so."""


def notifying(move: Move, event: on.Event) -> None:
    """The message is on its way; nothing is claimed before a channel has accepted it."""
    match event:
        case on.NoteAccepted() | on.NoteFailed():
            if note_event(move, event):
                conclude(move, word_for(move.state.note))
        case on.TimerFired("patience"):
            conclude(move, "trying")
        case on.PersonWanted() if can_dial(move.state):
            move.set(then="person")
        case on.KeyPressed("1", None) if not move.state.ears_up and can_dial(move.state):
            move.set(then="person")
        case on.DetailGiven():
            put_aside(move)
        case on.TimerFired("word"):
            if not move.state.speech:
                move.say("moment")
            move.start("word", min(move.plan.silence, move.plan.word_every))
        case on.CallerLeft():
            leave(move)
        case _:
            health(move, event)


def conclude(move: Move, key: str) -> None:
    """Tell the caller how their message stands; then comes what they have asked for meanwhile."""
    state = move.state
    then: Then = "person" if state.then == "person" and can_dial(state) else "message"
    if then == "message" and not state.unsent:
        tell(move, key)
        return
    move.stop("patience", "word")
    move.set(phase=Phase.CONVERSING, then=then, unsent=state.unsent and then == "person")
    move.say(key)


def closing(move: Move, event: on.Event) -> None:
    """The last words are being said."""
    match event:
        case on.CallerLeft():
            move.set(caller_here=False)
            finish(move)
        case on.PersonWanted():
            late_wish(move)
        case on.KeyPressed("1", None) if not move.state.able:
            late_wish(move)
        case on.MessageGiven() | on.DetailGiven():
            late_message(move)
        case on.TimerFired("end"):
            finish(move)
        case _:
            health(move, event)


def late_wish(move: Move) -> None:
    """A person is asked for while goodbye is being said: the wish is granted as long as the line is up.

    What can be neither dialled nor written to staff once more is answered within the last words, so that they end.
    """
    state = move.state
    if can_dial(state) or (can_write(move) and not move.telling):
        take_back_goodbye(move)
        wish(move)
    elif move.take_floor():
        move.set(then="close", owed=state.note != "accepted")
        if not state.open:
            move.say("closed")
        elif state.transfers:
            move.say("no_answer")
        move.say(STANDING[state.note] if move.plan.channels else "no_person", "goodbye")


def late_message(move: Move) -> None:
    """A message is left while goodbye is being said."""
    if move.plan.channels and can_note(move.state):
        take_back_goodbye(move)
        take_message(move)
    elif move.take_floor():
        move.set(then="close", owed=True)
        move.say("failed" if move.plan.channels else "no_person", "goodbye")


def can_write(move: Move) -> bool:
    """Whether a message about this wish can still be written: none has left, or the last one failed."""
    note = move.state.note
    fresh = note in ("none", "failed") and can_note(move.state)
    return bool(move.plan.channels) and (fresh or note == "armed")


def take_back_goodbye(move: Move) -> None:
    """The call goes on: what the caller must hear is said to its end, the rest is not."""
    move.stop("end")
    # Where time costs money, the overruns of what a call may still ask for are set aside; see `longest`.
    move.start("call", move.plan.call_seconds if move.plan.budget is None else OVERRUN_SECONDS)
    move.set(phase=Phase.CONVERSING, then="converse")
    if move.telling:
        move.tell_only()


def finish(move: Move) -> None:
    """Hang up. What the caller is still owed keeps the obligation open."""
    if not move.state.owed:
        move.close("withdrew" if move.state.nudges else "served")
    move.end()


def ended(move: Move, event: on.Event) -> None:
    """Over. A message may still be accepted."""
    if isinstance(event, on.NoteAccepted | on.NoteFailed):
        note_event(move, event)


def paid_out(move: Move) -> None:
    """The time that was paid is over, however the call came to last so long: staff learns of whoever was not served."""
    match move.state.phase:
        case Phase.CONNECTED:
            move.end()
        case Phase.CLOSING:
            finish(move)
        case _:
            move.set(owed=True)
            leave(move, Outcome.INTERRUPTED)


def open_gap(move: Move) -> None:
    """What the caller said to a process that died may be lost.

    Until they have heard its successor, and could say it again, their leaving closes nothing: the safety note, which
    is there from the call's first second, goes out.
    """
    if move.state.phase not in (Phase.CONNECTED, Phase.ENDED):
        move.set(gap=True)


def close_gap(move: Move) -> None:
    """Where somebody is told of the caller anyway, what a dead process heard makes no difference."""
    if move.state.gap and (move.state.owed or move.state.evidence is not None):
        move.set(gap=False)


def resume(move: Move, elapsed: float) -> tuple[on.Event, ...]:
    """A successor has the call: old voice, timers and dials are gone; what was not said to its end is said again.

    Returns what the call cannot pay any more; it happens next.
    """
    state, budget = move.state, move.plan.budget
    move.set(timers=frozenset(), speech=(), ringback=False, listening=False)
    if state.note == "sending":
        move.do(do.Deliver(state.notes))
    talk = talk_left(move, elapsed) if state.phase is Phase.CONNECTED else 0.0
    talk_time, unpaid = move.plan.call_seconds, tuple[on.Event, ...]()
    if budget is not None:
        paid = paid_seconds(move.state, budget, elapsed)
        if paid <= 0 or (state.phase is Phase.CONNECTED and talk <= 0):
            paid_out(move)
            return ()
        move.start(PAID_TIME, paid)
        talk_time = min(talk_time, paid - budget.tail)
        if talk_time < OVERRUN_SECONDS:
            talk_time, unpaid = OVERRUN_SECONDS, (on.BudgetSpent(dials=True),)
    match state.phase:
        case Phase.CONNECTED:
            move.start("talk_end", talk)
        case Phase.CLOSING:
            move.start("end", LAST_WORDS_SECONDS)
            move.say(*state.speech)
        case _:
            move.start("call", talk_time)
            resume_talk(move, state.phase, state.speech)
    return unpaid


def resume_talk(move: Move, phase: Phase, unsaid: tuple[str, ...]) -> None:
    """The same, before the last words."""
    match phase:
        case Phase.GREETING:
            move.say("greeting")
        case Phase.CONVERSING:
            move.set(then=move.state.then if unsaid else "converse")
            move.say(*(unsaid or ("resumed",)))
        case Phase.CONNECTING | Phase.ACCEPTING:
            move.drop(*move.state.legs)
            move.set(outcome=Outcome.NO_REPLY, waiting=())
            unreached(move, "resumed")
        case Phase.TAKING_MESSAGE:
            move.say("resumed")
            notify(move)
        case Phase.NOTIFYING:
            move.say("resumed")
            wait_for_channel(move)
