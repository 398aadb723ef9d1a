"""Screening, greeting, conversing, taking a message: the phases in which the caller talks with the agent."""

from __future__ import annotations

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.dialling import can_dial, converse, nobody, want_person, why_helpless
from callisi_runtime.flow.model import GRANTED, MAX_NUDGES, Outcome, Phase
from callisi_runtime.flow.moves import LAST_WORDS_SECONDS, Move, say_goodbye, word_for
from callisi_runtime.flow.promising import (
    arm,
    can_note,
    note_event,
    notify,
    put_aside,
    renew,
    settle,
    tell,
)
from callisi_runtime.flow.purse import open_purse

OVERRUN_SECONDS = 30.0
"""Seconds by which a call may last longer while a person or a message is being seen to."""


def screening(move: Move, event: on.Event) -> None:
    """Nobody has been greeted yet."""
    match event:
        case on.Arrived(caller_known, open_, allowed, funds):
            move.set(
                phase=Phase.GREETING, caller_known=caller_known, open=open_, allowed=allowed, then="converse"
            )
            open_purse(move, funds=funds)
            move.start("call", move.plan.call_seconds)
            move.say("greeting")
        case on.CallerLeft():
            move.set(caller_here=False)
            move.close("withdrew")
            move.end()
        case _:
            health(move, event)


def greeting(move: Move, event: on.Event) -> None:
    """The greeting is said to its end: it names the AI. A wish for a person is granted after it."""
    match event:
        case on.PersonWanted():
            move.set(then="person", owed=True)
        case on.CallerLeft():
            leave(move)
        case on.TimerFired("call"):
            # The voice hangs in its first sentence: staff learns of a caller who was never greeted.
            move.set(owed=True)
            leave(move)
        case _:
            health(move, event)


def conversing(move: Move, event: on.Event) -> None:
    """The caller and the language model talk; while a sentence of ours is being said, the floor is ours."""
    state = move.state
    match event:
        case on.PersonWanted():
            wish(move)
        case on.KeyPressed("1", None) if not state.ears_up:
            wish(move)
        case on.CallerSpoke() if state.ears_up:
            move.set(nudges=0)
            if not state.speech:
                move.start("quiet", move.plan.caller_silence)
        case on.MessageGiven() | on.DetailGiven():
            take_message(move)
        case on.GoodbyeWanted() if move.take_floor():
            move.set(nudges=0)
            say_goodbye(move)
        case on.TimerFired("quiet"):
            nudge(move)
        case on.TimerFired("call") if state.then in GRANTED:
            move.start("end", LAST_WORDS_SECONDS)
        case on.TimerFired("end"):
            # The voice hangs in what the caller must hear: staff learns what was to follow.
            move.set(owed=True)
            leave(move)
        case on.TimerFired("call"):
            move.take_floor()
            say_goodbye(move, "time_over")
        case on.ModelDown() | on.EarsDown() | on.BudgetSpent():
            health(move, event)
            if state.able:
                fail(move)
        case on.CallerLeft():
            leave(move)
        case _:
            health(move, event)


def fail(move: Move) -> None:
    """The conversation cannot go on; what the caller must hear is still said."""
    if move.take_floor():
        converse(move)
    elif move.state.then not in GRANTED:
        say_goodbye(move, why_helpless(move.state))


def wish(move: Move) -> None:
    """The caller asks for a person: at once, or when what they must hear has been said.

    Asking once more while they hear that nobody can be dialled is no new wish.
    """
    if move.take_floor():
        want_person(move)
    elif can_dial(move.state):
        if move.state.then == "message":
            put_aside(move)
        move.tell_only()
        move.set(then="person", owed=True)


def take_message(move: Move) -> None:
    """The language model took a message: it goes to staff, or the caller is told where to call.

    It waits until what the caller must hear has been said.
    """
    if not move.take_floor():
        if move.state.then == "person":
            put_aside(move)
        elif move.plan.channels and can_note(move.state):
            move.tell_only()
            move.set(then="message", subject=True, owed=True)
        return
    pass_on(move)


def grant(move: Move) -> None:
    """What waited until the caller had heard something is done now."""
    if "end" in move.state.timers:
        move.stop("end")
        move.start("call", OVERRUN_SECONDS)
    if move.state.then == "person":
        want_person(move)
    else:
        pass_on(move)


def pass_on(move: Move) -> None:
    """The message that the caller left goes to staff."""
    move.set(subject=True, owed=True, outcome=Outcome.MESSAGE, nudges=0, news=False)
    if not move.plan.channels:
        nobody(move)
    elif can_note(move.state):
        renew(move)
        move.say("noted")
        notify(move)
    else:
        move.listen(False)
        tell(move, "failed")


def nudge(move: Move) -> None:
    """The caller has been silent for long, or cannot be heard."""
    if not move.state.able:
        want_person(move)
    elif move.state.nudges >= MAX_NUDGES:
        say_goodbye(move)
    else:
        move.set(nudges=move.state.nudges + 1, then="converse")
        move.say("still_there")


def taking_message(move: Move, event: on.Event) -> None:
    """The caller was asked for a message; what they say next is it."""
    match event:
        case on.CallerSpoke() if not move.state.speech:
            keep_words(move)
        case on.TimerFired("quiet"):
            notify(move)
        case on.TimerFired("call"):
            move.start("call", OVERRUN_SECONDS)
            notify(move)
        case on.MessageGiven() | on.DetailGiven():
            move.set(subject=True)
            renew(move)
            notify(move)
        case on.EarsDown():
            health(move, event)
            notify(move)
        case on.CallerLeft():
            leave(move)
        case _:
            health(move, event)


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
        renew(move)
        move.say("noted")
        notify(move)


def leave(move: Move, outcome: Outcome = Outcome.CALLER_LEFT) -> None:
    """The caller hung up, or is hung up on: nothing rings on, and what they are owed goes to staff."""
    state = move.state
    owed = state.owed or not state.able
    ringing = state.phase in (Phase.CONNECTING, Phase.ACCEPTING)
    left = state.unsent or state.then == "message"
    move.set(caller_here=False, owed=owed, unsent=False)
    move.drop(*state.legs)
    if left:
        move.set(outcome=Outcome.MESSAGE)
        renew(move)
    if ringing or left or (owed and state.evidence is None and state.note in ("none", "armed")):
        arm(move, 0.0)
        settle(move, (None if ringing else state.outcome) or outcome, send=True)
    elif not owed:
        move.close("withdrew")
    move.end()


def health(move: Move, event: on.Event) -> None:
    """What means the same in every phase before the end."""
    match event:
        case on.ModelDown() if move.state.model_up:
            move.set(model_up=False)
            move.listen(False)
        case on.BudgetSpent(dials):
            move.set(grounded=move.state.grounded or dials)
            waits = move.telling and move.state.phase is not Phase.NOTIFYING
            if dials and waits and move.state.then == "person":
                # what they hear now is what there is to say
                move.set(then="message" if move.state.unsent else "converse", unsent=False)
            if move.state.model_up:
                move.set(model_up=False, over_budget=True)
                move.listen(False)
        case on.DialsSpent():
            move.set(grounded=True)
        case on.EarsDown() if move.state.ears_up:
            move.set(ears_up=False)
            move.listen(False)
        case on.TimerFired("call"):
            move.start("call", OVERRUN_SECONDS)
        case on.NoteAccepted() | on.NoteFailed():
            told = move.state.note == "sending" and "trying" not in move.state.speech
            if note_event(move, event) and move.state.phase is Phase.CONVERSING and told:
                late_word(move)


def late_word(move: Move) -> None:
    """Say how the message stands after `trying` was said: at once, or when we have finished speaking."""
    if word_for(move.state.note) in move.state.speech:
        return
    move.set(news=True, nudges=0)
    if not move.state.speech:
        move.stop("quiet")
        converse(move)
