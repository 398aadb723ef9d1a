"""Screening, greeting, conversing, taking a message: the phases in which the caller talks with the agent."""

from __future__ import annotations

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import Outcome, Phase
from callisi_runtime.flow.moves import (
    Move,
    arm,
    can_dial,
    converse,
    notify,
    nudge,
    say_goodbye,
    settle,
    want_person,
)


def screening(move: Move, event: on.Event) -> None:
    """Nobody has been greeted yet."""
    match event:
        case on.Arrived(caller_known, open_, allowed):
            move.set(phase=Phase.GREETING, caller_known=caller_known, open=open_, allowed=allowed, then="converse")
            move.start("call", move.plan.call_seconds)
            move.say("greeting")
        case on.CallerLeft():
            leave(move)


def leave(move: Move) -> None:
    """The caller hung up while nothing was promised to them, or a message is on its way already."""
    move.set(caller_here=False)
    if move.state.note in ("none", "failed") or move.state.evidence is not None:
        move.close("withdrew")
    move.end()


def greeting(move: Move, event: on.Event) -> None:
    """The greeting is being said to its end: it names the AI. A wish for a person is granted after it."""
    match event:
        case on.PersonWanted():
            move.set(then="person")
        case on.Resumed():
            move.set(speech=())
            move.say("greeting")
            move.set(then="converse")
        case _:
            anywhere(move, event)


def conversing(move: Move, event: on.Event) -> None:
    """The caller and the language model talk."""
    match event:
        case on.PersonWanted():
            want_person(move)
        case on.KeyPressed("1", None) if not move.state.ears_up:
            want_person(move)
        case on.CallerSpoke() if not move.state.model_up:
            want_person(move)
        case on.CallerSpoke():
            move.set(nudges=0)
            if not move.state.speech:
                move.start("quiet", move.plan.caller_silence)
        case on.MessageGiven():
            take_message(move)
        case on.GoodbyeWanted():
            move.hush()
            say_goodbye(move)
        case on.TimerFired("quiet") if not move.state.ears_up:
            want_person(move)
        case on.TimerFired("quiet"):
            nudge(move)
        case on.ModelDown():
            move.set(model_up=False)
            want_person(move, "model_down")
        case on.ModelUp():
            move.set(model_up=True)
            move.listen(not move.state.speech)
        case on.EarsDown():
            ears_down(move)
        case on.Resumed():
            move.set(speech=())
            move.say("resumed")
            move.set(then="converse")
        case _:
            anywhere(move, event)


def take_message(move: Move) -> None:
    """The language model took a message: it goes to staff, or the caller is told where to call."""
    move.set(subject=True, outcome=Outcome.MESSAGE)
    move.stop("quiet")
    move.hush()
    if move.plan.channels:
        move.set(note="none")
        move.say("noted")
        notify(move)
    else:
        move.say("no_person")
        move.set(then="converse")


def ears_down(move: Move) -> None:
    """The caller is not understood any more: a key leads to a person, or staff is told that they called."""
    move.set(ears_up=False)
    if can_dial(move.state):
        move.stop("quiet")
        move.set(then="converse")
        move.say("keypad")
    else:
        want_person(move)


def taking_message(move: Move, event: on.Event) -> None:
    """The caller was asked for a message; what they say next is it."""
    match event:
        case on.CallerSpoke() if "ask_message" not in move.state.speech:
            keep_words(move)
        case on.TimerFired("quiet"):
            notify(move)
        case on.MessageGiven():
            move.set(subject=True)
            notify(move)
        case on.PersonWanted() | on.Withdrawn():
            pass
        case on.EarsDown():
            move.set(ears_up=False)
            notify(move)
        case on.Resumed():
            move.set(speech=())
            move.say("resumed")
            notify(move)
        case on.CallerLeft():
            leave_message(move)
        case _:
            anywhere(move, event)


def keep_words(move: Move) -> None:
    """Keep what the caller just said; ask for a number when theirs is hidden."""
    part = move.state.asking or "subject"
    move.do(do.Keep(part))
    move.set(subject=True)
    move.stop("quiet")
    if part == "subject" and not move.state.caller_known:
        move.set(asking="callback", then="listen")
        move.say("no_number")
    else:
        move.say("noted")
        notify(move)


def leave_message(move: Move) -> None:
    """The caller hung up after asking for a person: staff is told all the same."""
    move.set(caller_here=False)
    arm(move, 0.0)
    settle(move, move.state.outcome or Outcome.CALLER_LEFT, send=True)
    move.end()


def anywhere(move: Move, event: on.Event) -> None:
    """What means the same in every phase in which the caller talks with the agent."""
    match event:
        case on.CallerLeft():
            leave(move)
        case on.GoodbyeWanted():
            move.hush()
            say_goodbye(move)
        case _:
            health(move, event)


def health(move: Move, event: on.Event) -> None:
    """What the machine only takes note of."""
    match event:
        case on.ModelDown():
            move.set(model_up=False)
            move.listen(False)
        case on.ModelUp():
            move.set(model_up=True)
        case on.EarsDown():
            move.set(ears_up=False)
        case on.EarsUp():
            move.set(ears_up=True)
        case on.TimerFired("call"):
            move.set(overtime=True)
            if move.state.phase is Phase.CONVERSING and not move.state.speech:
                converse(move)
        case on.NoteAccepted() | on.NoteFailed():
            if note_known(move, event):
                late_word(move, "notified" if isinstance(event, on.NoteAccepted) else "failed")


def note_known(move: Move, event: on.NoteAccepted | on.NoteFailed) -> bool:
    """Take down how the message stands; False where that is not news."""
    if move.state.note != "sending" or event.number != move.state.notes:
        return False
    if isinstance(event, on.NoteAccepted):
        move.set(note="accepted", channel=event.channel)
        move.close("message_accepted")
    else:
        move.set(note="failed")
    return True


def late_word(move: Move, key: str) -> None:
    """Say how the message stands after `trying` was said, then go on with what was going on."""
    if move.state.phase not in (Phase.CONVERSING, Phase.CLOSING):
        return
    if move.state.phase is Phase.CONVERSING and not move.state.speech:
        move.stop("quiet")
        move.set(then="converse")
    move.say(key)
