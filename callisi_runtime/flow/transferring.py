"""Connecting, accepting, connected: the phases with a human leg."""

from __future__ import annotations

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import Leg, Outcome, Phase
from callisi_runtime.flow.moves import WARNING_SECONDS, Move, leg_lost, settle, unreached
from callisi_runtime.flow.talking import health


def ringing(move: Move, event: on.Event) -> None:
    """Connecting and accepting: at least one leg exists, none has the caller yet."""
    match event:
        case on.LegRinging() | on.LegAnswered() | on.LegFailed() | on.LegLeft() | on.KeyPressed():
            leg_event(move, event)
        case on.TimerFired(name) if name.startswith(("ring:", "accept:")):
            leg_timer(move, name)
        case on.TimerFired("word"):
            if not move.state.speech:
                move.say("still_ringing")
            move.start("word", move.plan.word_every)
        case on.PersonWanted():
            if not move.state.speech:
                move.say("already_ringing")
        case on.MessageGiven():
            move.set(subject=True)
        case on.Withdrawn() | on.GoodbyeWanted():
            withdrawn(move)
        case on.CallerLeft():
            caller_left(move)
        case on.Resumed():
            resumed(move)
        case _:
            health(move, event)


def leg_event(move: Move, event: on.Event) -> None:
    """Something happened on a leg that exists; what comes from a leg that does not, is dropped or passed over."""
    match event:
        case on.LegAnswered(leg_id):
            leg = move.state.leg(leg_id)
            if leg is None:
                move.do(do.Drop(leg_id))
            elif leg.state in ("dialling", "ringing"):
                answered(move, leg)
        case on.LegRinging(leg_id):
            leg = move.state.leg(leg_id)
            if leg is not None and leg.state == "dialling":
                move.change_leg(leg, state="ringing")
        case on.LegFailed(leg_id, outcome):
            leg = move.state.leg(leg_id)
            if leg is not None:
                leg_lost(move, leg, outcome)
        case on.LegLeft(leg_id):
            leg = move.state.leg(leg_id)
            if leg is not None:
                leg_lost(move, leg, Outcome.NOT_ACCEPTED)
        case on.KeyPressed(key, leg_id):
            leg = move.state.leg(leg_id) if leg_id is not None else None
            if leg is not None and leg.state == "answered":
                leg_key(move, leg, key)


def answered(move: Move, leg: Leg) -> None:
    """Somebody, or something, picked up."""
    move.stop(f"ring:{leg.id}")
    if move.plan.accept == "answer" or move.plan.refer:
        accepted(move, leg)
        return
    move.change_leg(leg, state="answered")
    move.set(phase=Phase.ACCEPTING)
    move.do(do.Prompt(leg.id))
    move.start(f"accept:{leg.id}", move.plan.accept_timeout)


def leg_key(move: Move, leg: Leg, key: str) -> None:
    """Only a key on that very leg counts."""
    if key == "1" or move.plan.accept == "any_key":
        accepted(move, leg)
    elif key == "2":
        move.do(do.Drop(leg.id))
        leg_lost(move, leg, Outcome.DECLINED)


def leg_timer(move: Move, name: str) -> None:
    """A leg rang too long, or nobody pressed the key."""
    kind, _, leg_id = name.partition(":")
    leg = move.state.leg(leg_id)
    if leg is None:
        return
    move.do(do.Drop(leg.id))
    rang = Outcome.RANG_OUT if leg.state == "ringing" else Outcome.NO_REPLY
    leg_lost(move, leg, Outcome.NOT_ACCEPTED if kind == "accept" else rang)


def accepted(move: Move, leg: Leg) -> None:
    """A person took the call: the others stop ringing, the agent falls silent."""
    move.drop(*(one for one in move.state.legs if one.id != leg.id))
    move.hush()
    move.listen(False)
    move.ringback(False)
    move.stop_all()
    move.change_leg(leg, state="joined")
    move.set(phase=Phase.CONNECTED, waiting=(), outcome=Outcome.ACCEPTED, nudges=0)
    move.do(do.Bridge(leg.id))
    settle(move, Outcome.ACCEPTED, send=False, evidence="accepted_by_person")
    move.set(evidence=move.state.evidence or "accepted_by_person")
    if move.plan.refer:
        move.set(legs=(), caller_here=False)
        move.end()
        return
    move.start("talk", max(1.0, move.plan.talk_seconds - WARNING_SECONDS))


def withdrawn(move: Move) -> None:
    """The caller does not want to be put through after all: nothing rings on, nobody is told."""
    stop_transfer(move)
    settle(move, Outcome.CALLER_LEFT, send=False)
    move.set(phase=Phase.CONVERSING, then="converse" if move.state.model_up else "close")
    move.say("anything_else" if move.state.model_up else "goodbye")


def stop_transfer(move: Move) -> None:
    """Nothing rings any more."""
    move.drop(*move.state.legs)
    move.hush()
    move.listen(False)
    move.ringback(False)
    move.stop("word")
    move.set(waiting=())


def caller_left(move: Move) -> None:
    """The caller hung up while it rang: the phones stop, and staff learns of the call."""
    move.set(caller_here=False)
    move.drop(*move.state.legs)
    armed = move.state.note == "armed"
    settle(move, Outcome.CALLER_LEFT, send=True)
    if not armed and move.state.note in ("none", "failed"):
        move.close("withdrew")
    move.end()


def resumed(move: Move) -> None:
    """A successor has the call: what rang is ended, and the caller is told the truth."""
    move.drop(*move.state.legs)
    move.set(outcome=Outcome.NO_REPLY, waiting=())
    unreached(move, "resumed")


def connected(move: Move, event: on.Event) -> None:
    """The caller talks with a person; the agent is silent and costs nothing."""
    match event:
        case on.LegLeft(leg_id) | on.LegFailed(leg_id, _):
            leg = move.state.leg(leg_id)
            if leg is not None:
                person_left(move, leg)
        case on.LegAnswered(leg_id):
            if move.state.leg(leg_id) is None:
                move.do(do.Drop(leg_id))
        case on.CallerLeft():
            move.set(caller_here=False)
            move.end()
        case on.TimerFired("talk"):
            move.say("time_warning")
            move.start("talk_end", WARNING_SECONDS)
        case on.TimerFired("talk_end"):
            move.end()
        case on.Resumed():
            move.set(speech=())
            move.start("talk_end", move.plan.talk_seconds)
        case _:
            health(move, event)


def person_left(move: Move, leg: Leg) -> None:
    """The person hung up first."""
    move.forget(leg)
    move.stop("talk", "talk_end")
    if move.plan.returns:
        move.start("call", move.plan.call_seconds)
        move.set(phase=Phase.CONVERSING, then="converse")
        move.say("back")
    else:
        move.end()
