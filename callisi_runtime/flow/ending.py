"""Notifying, closing, ended."""

from __future__ import annotations

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.moves import Move, tell
from callisi_runtime.flow.talking import health, note_known


def notifying(move: Move, event: on.Event) -> None:
    """The message is on its way; nothing is claimed before a channel has accepted it."""
    match event:
        case on.NoteAccepted() | on.NoteFailed():
            if note_known(move, event):
                tell(move, "notified" if isinstance(event, on.NoteAccepted) else "failed")
        case on.TimerFired("patience"):
            tell(move, "trying")
        case on.TimerFired("word"):
            if not move.state.speech:
                move.say("moment")
            move.start("word", min(move.plan.silence, move.plan.word_every))
        case on.CallerLeft():
            move.set(caller_here=False)
            move.end()
        case on.Resumed():
            move.set(speech=())
            move.say("resumed")
            move.do(do.Deliver(move.state.notes))
            move.start("patience", move.plan.patience)
            move.start("word", min(move.plan.silence, move.plan.word_every))
        case _:
            health(move, event)


def closing(move: Move, event: on.Event) -> None:
    """The last words are being said."""
    match event:
        case on.CallerLeft():
            move.set(caller_here=False)
            finish(move)
        case on.Resumed():
            move.set(speech=(), then="close")
            move.say("goodbye")
        case _:
            health(move, event)


def finish(move: Move) -> None:
    """Hang up. A message that is still on its way keeps the obligation open."""
    if move.state.note == "none":
        move.close("served" if move.state.nudges == 0 else "withdrew")
    move.end()


def ended(move: Move, event: on.Event) -> None:
    """Over. Whoever picks up now is hung up on at once: nobody answers into an empty room."""
    match event:
        case on.LegAnswered(leg_id):
            move.do(do.Drop(leg_id))
        case on.NoteAccepted() | on.NoteFailed():
            note_known(move, event)
