"""Connecting, accepting, connected: the phases with a human leg."""

from __future__ import annotations

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.dialling import leg_lost
from callisi_runtime.flow.model import CallState, Leg, Outcome, Phase
from callisi_runtime.flow.moves import Move, go_on, say_goodbye
from callisi_runtime.flow.promising import put_aside, settle
from callisi_runtime.flow.purse import pay_talk
from callisi_runtime.flow.talking import health, leave, pass_on

WARNING_SECONDS = 60.0


def ringing(move: Move, event: on.Event) -> None:
    """Connecting and accepting: at least one leg exists, none has the caller yet."""
    match event:
        case on.LegRinging() | on.LegAnswered() | on.LegFailed() | on.LegLeft() | on.KeyPressed():
            leg_event(move, event)
        case on.TimerFired("word"):
            if not move.state.speech:
                move.say("still_ringing" if rings(move.state) else "moment")
            move.start("word", move.plan.word_every)
        case on.TimerFired(name) if name.startswith(("ring:", "accept:")):
            leg_timer(move, name)
        case on.PersonWanted():
            if not move.state.speech:
                move.say("already_ringing" if rings(move.state) else "moment")
        case on.CallerSpoke() if tells_why(move):
            # the language model may put it better; what it does not take down, staff reads in the caller's words
            move.do(do.Keep("subject"))
            move.set(subject=True)
        case on.MessageGiven():
            move.set(subject=True)
        case on.DetailGiven():
            put_aside(move)
        case on.Withdrawn() | on.GoodbyeWanted():
            stop_transfer(move)
            if move.state.unsent:
                pass_on(move)
            elif isinstance(event, on.Withdrawn):
                go_on(move)
            else:
                say_goodbye(move)
        case on.CallerLeft():
            leave(move)
        case _:
            health(move, event)


def tells_why(move: Move) -> bool:
    """Whether what the caller says now answers the question what it is about, which has been asked to its end."""
    return move.plan.ask_while_ringing and not move.state.subject and move.state.then != "listen"


def rings(state: CallState) -> bool:
    """Whether it may be said that it rings: some phone does, and none was picked up."""
    return state.phase is Phase.CONNECTING and any(leg.state == "ringing" for leg in state.legs)


def leg_event(move: Move, event: on.Event) -> None:
    """Something happened on a leg; what comes from a leg that does not exist is passed over."""
    match event:
        case on.LegAnswered(leg_id) if leg := move.state.leg(leg_id):
            if leg.state in ("dialling", "ringing"):
                answered(move, leg)
        case on.LegRinging(leg_id) if leg := move.state.leg(leg_id):
            if leg.state == "dialling":
                move.change_leg(leg, state="ringing")
        case on.LegFailed(leg_id, outcome) if leg := move.state.leg(leg_id):
            leg_lost(move, leg, outcome)
        case on.LegLeft(leg_id) if leg := move.state.leg(leg_id):
            leg_lost(move, leg, Outcome.NOT_ACCEPTED)
        case on.KeyPressed(key, str(leg_id)) if leg := move.state.leg(leg_id):
            if leg.state == "answered":
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
    if key == "1" or (move.plan.accept == "any_key" and key != "2"):
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
    move.set(phase=Phase.CONNECTED, waiting=(), outcome=Outcome.ACCEPTED, owed=False, unsent=False)
    if not move.plan.refer:
        move.do(do.Bridge(leg.id))
    settle(move, Outcome.ACCEPTED, send=False, evidence="accepted_by_person")
    move.set(evidence=move.state.evidence or "accepted_by_person")
    if move.plan.refer:
        move.set(legs=(), caller_here=False)
        move.end()
        return
    move.start("talk", max(1.0, pay_talk(move) - WARNING_SECONDS))


def stop_transfer(move: Move) -> None:
    """The caller does not want to be put through after all: nothing rings on, and only what they left is passed on."""
    move.drop(*move.state.legs)
    move.hush()
    move.listen(False)
    move.ringback(False)
    move.stop("word")
    move.set(waiting=())
    if move.state.unsent:
        return  # what is armed goes out with the message that they left
    if move.state.note in ("none", "armed"):
        move.set(owed=False)
    settle(move, Outcome.CALLER_LEFT, send=move.state.note == "sending")


def connected(move: Move, event: on.Event) -> None:
    """The caller talks with a person; the agent is silent and costs nothing."""
    match event:
        case on.LegLeft(leg_id) | on.LegFailed(leg_id, _):
            leg = move.state.leg(leg_id)
            if leg is not None:
                person_left(move, leg)
        case on.CallerLeft():
            move.set(caller_here=False)
            move.end()
        case on.TimerFired("talk"):
            move.say("time_warning")
            move.start("talk_end", WARNING_SECONDS)
        case on.TimerFired("talk_end"):
            move.end()
        case _:
            health(move, event)


def person_left(move: Move, leg: Leg) -> None:
    """The person hung up first."""
    move.forget(leg)
    move.stop("talk", "talk_end")
    if not move.plan.returns:
        move.end()
    elif move.state.able:
        move.start("call", move.plan.call_seconds)
        move.set(phase=Phase.CONVERSING, then="converse")
        move.say("back")
    else:
        say_goodbye(move)
