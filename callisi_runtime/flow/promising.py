"""The message to staff: armed before anybody is dialled, claimed only after a channel has accepted it."""

from __future__ import annotations

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import MAX_NOTES, CallState, Evidence, Outcome, Phase
from callisi_runtime.flow.moves import Move, go_on, say_goodbye, word_for

DELIVERY_GRACE = 10.0
"""Seconds over everything that may still happen, after which an armed message goes out by itself."""


def can_note(state: CallState) -> bool:
    """Whether one more message may be written."""
    return state.notes < MAX_NOTES


def arm(move: Move, due_in: float) -> bool:
    """Have a message written down that goes out if we die; whether there is one that is not yet settled."""
    if not move.plan.channels:
        return False
    if move.state.note in ("none", "failed") and can_note(move.state):
        move.set(note="armed", notes=move.state.notes + 1)
    if move.state.note != "armed":
        return False
    move.do(do.Arm(move.state.notes, due_in))
    return True


def settle(move: Move, outcome: Outcome, *, send: bool, evidence: Evidence | None = None) -> None:
    """Write the outcome down; the armed message goes out, or it is cancelled."""
    number = move.state.notes if move.state.note == "armed" else 0
    if number:
        move.set(note="sending" if send else "none")
    move.do(do.Settle(outcome, number, send, evidence))
    if number and send:
        move.do(do.Deliver(number))


def promise_message(move: Move) -> None:
    """Ask what it is about if the file says so and nobody has; then send."""
    asks = move.plan.ask_message and not move.state.subject and move.state.hears
    if asks and arm(move, 3 * move.plan.caller_silence + DELIVERY_GRACE):
        move.listen(False)
        move.set(phase=Phase.TAKING_MESSAGE, asking="subject", then="listen")
        move.say("ask_message")
    else:
        notify(move)


def renew(move: Move) -> None:
    """What the caller says now goes into a message of its own where the latest has left already."""
    if move.state.note in ("sending", "accepted") and can_note(move.state):
        move.set(note="none")


def put_aside(move: Move) -> None:
    """A message was left while something else is under way: it is passed on when that is over."""
    move.set(subject=True)
    if move.plan.channels and (move.state.note == "armed" or can_note(move.state)):
        move.set(unsent=True)


def notify(move: Move) -> None:
    """Send the message, and wait for the channel's word before anything is claimed."""
    move.listen(False)
    if move.state.unsent:
        renew(move)
    move.set(asking=None, then="stay", unsent=False)
    move.stop("quiet")
    if move.state.note == "accepted":
        tell(move, "notified")
    elif move.state.note == "sending":
        tell(move, "trying")
    elif arm(move, DELIVERY_GRACE):
        move.set(phase=Phase.NOTIFYING)
        settle(move, move.state.outcome or Outcome.MESSAGE, send=True)
        wait_for_channel(move)
    else:
        tell(move, "failed")


def wait_for_channel(move: Move) -> None:
    """The caller waits, for so long, and is never left in silence."""
    move.start("patience", move.plan.patience)
    move.start("word", min(move.plan.silence, move.plan.word_every))


def tell(move: Move, key: str) -> None:
    """Tell the caller how their message stands, and go on."""
    move.stop("patience", "word")
    if move.plan.then_hang_up:
        say_goodbye(move, key)
    else:
        go_on(move, key)


def note_event(move: Move, event: on.NoteAccepted | on.NoteFailed) -> bool:
    """Take down how a message stands; whether that is news about the latest one.

    An earlier message that was accepted late proves as well that staff knows of the caller.
    """
    latest, note = event.number == move.state.notes, move.state.note
    if isinstance(event, on.NoteFailed):
        if latest and note in ("armed", "sending"):
            move.set(note="failed")
            set_right(move, "trying")
            return True
        return False
    if not 1 <= event.number <= move.state.notes:
        return False
    news = latest and note in ("armed", "sending", "failed")
    if news:
        move.set(note="accepted", channel=event.channel)
        set_right(move, "failed" if note == "failed" else "trying")
    move.set(owed=False)
    move.close("message_accepted")
    return news


def set_right(move: Move, said: str) -> None:
    """A word about the message that waits to be said gives way to what is known now."""
    speech, word = move.state.speech, word_for(move.state.note)
    if said in speech:
        move.instead(said, *(() if word in speech else (word,)))
