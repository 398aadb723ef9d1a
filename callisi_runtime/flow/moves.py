"""The moves that several phases share. A `Move` gathers one step: a changing state and the effects so far."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from callisi_runtime.flow import effects as do
from callisi_runtime.flow.model import (
    MAX_NOTES,
    MAX_NUDGES,
    MAX_TRANSFERS,
    CallState,
    Evidence,
    FlowPlan,
    Leg,
    Outcome,
    Phase,
)

DIAL_GRACE = 8.0
"""Seconds over the ring timeout after which a dial that reported nothing is given up."""
DELIVERY_GRACE = 10.0
"""Seconds over everything a transfer may take, after which an armed message goes out by itself."""
WARNING_SECONDS = 60.0


class Move:
    """One step in the making. Private to `flow`: from outside, `step` is a pure function."""

    def __init__(self, plan: FlowPlan, state: CallState) -> None:
        self.plan = plan
        self.state = state
        self.effects: list[do.Effect] = []

    def set(self, **changes: Any) -> None:
        """Change fields of the state."""
        self.state = replace(self.state, **changes)

    def do(self, *effects: do.Effect) -> None:
        """Ask for effects."""
        self.effects.extend(effects)

    # -- speech ---------------------------------------------------------------------------------------------

    def say(self, *keys: str) -> None:
        """Say sentences, after those that are being said; none is queued twice."""
        for key in keys:
            if key not in self.state.speech:
                self.set(speech=(*self.state.speech, key))
                self.do(do.Say(key))

    def hush(self) -> None:
        """Stop speaking."""
        self.set(speech=(), then="stay")
        self.do(do.Hush())

    def listen(self, on: bool) -> None:
        """Let the language model answer, or not."""
        if self.state.listening != on:
            self.set(listening=on)
            self.do(do.Listen(on))

    def ringback(self, on: bool) -> None:
        """Start or stop what the caller hears while it rings."""
        if self.state.ringback != on:
            self.set(ringback=on)
            self.do(do.Ringback(on))

    # -- time -----------------------------------------------------------------------------------------------

    def start(self, name: str, seconds: float) -> None:
        """Start a timer, or start it anew."""
        self.set(timers=self.state.timers | {name})
        self.do(do.StartTimer(name, seconds))

    def stop(self, *names: str) -> None:
        """Stop timers; those that do not run are passed over."""
        for name in names:
            if name in self.state.timers:
                self.set(timers=self.state.timers - {name})
                self.do(do.StopTimer(name))

    def stop_all(self, *, but: tuple[str, ...] = ()) -> None:
        """Stop every timer except some."""
        self.stop(*sorted(self.state.timers - set(but)))

    # -- legs -----------------------------------------------------------------------------------------------

    def change_leg(self, leg: Leg, **changes: Any) -> None:
        """Change one leg."""
        self.set(legs=tuple(replace(one, **changes) if one.id == leg.id else one for one in self.state.legs))

    def forget(self, leg: Leg) -> None:
        """Strike a leg that is gone from the state, with its timers."""
        self.set(legs=tuple(one for one in self.state.legs if one.id != leg.id))
        self.stop(f"ring:{leg.id}", f"accept:{leg.id}")

    def drop(self, *legs: Leg) -> None:
        """End legs."""
        for leg in legs:
            self.forget(leg)
            self.do(do.Drop(leg.id))

    # -- obligation -----------------------------------------------------------------------------------------

    def close(self, evidence: Evidence) -> None:
        """Close the obligation, once."""
        if self.state.evidence is None:
            self.set(evidence=evidence)
            self.do(do.Close(evidence))

    def end(self) -> None:
        """The call is over: nothing rings, nothing is timed."""
        self.drop(*self.state.legs)
        self.ringback(False)
        self.stop_all()
        self.set(phase=Phase.ENDED, speech=(), then="stay", listening=False, asking=None, waiting=())
        self.do(do.HangUp())


def converse(move: Move) -> None:
    """The floor is the caller's, and the language model may answer."""
    if move.state.overtime:
        say_goodbye(move, "time_over")
        return
    if not move.state.model_up and not move.state.transfers and not move.state.notes:
        want_person(move, "model_down")
        return
    move.set(phase=Phase.CONVERSING, then="stay", asking=None)
    move.listen(move.state.model_up)
    move.start("quiet", move.plan.caller_silence)


def say_goodbye(move: Move, *before: str) -> None:
    """Say goodbye and hang up."""
    move.stop_all()
    move.listen(False)
    move.set(phase=Phase.CLOSING, then="close", asking=None)
    move.say(*before, "goodbye")


def can_dial(state: CallState) -> bool:
    """Whether there is anybody to dial."""
    return state.open and bool(state.allowed) and state.transfers < MAX_TRANSFERS


def want_person(move: Move, *before: str) -> None:
    """The caller wants a person: dial, or say why not and take a message."""
    state = move.state
    move.hush()
    move.stop("quiet")
    move.say(*before)
    if can_dial(state):
        start_transfer(move)
    elif move.plan.channels:
        if not state.open or not state.allowed:
            move.set(outcome=Outcome.CLOSED)
        move.say("no_answer" if state.open else "closed")
        promise_message(move)
    else:
        move.say("no_person")
        move.listen(False)
        move.set(phase=Phase.CONVERSING, then="converse" if state.model_up else "close")


def start_transfer(move: Move) -> None:
    """Arm the message, dial, and tell the caller; the dial does not wait for the sentence."""
    plan, state = move.plan, move.state
    move.set(phase=Phase.CONNECTING, waiting=state.allowed, transfers=state.transfers + 1, outcome=None)
    move.listen(False)
    if plan.channels:
        arm(move, longest_transfer(plan, state.allowed) + DELIVERY_GRACE)
    move.say("connecting")
    dial_next(move)
    move.ringback(True)
    move.start("word", plan.word_every)
    if plan.ask_while_ringing and state.model_up and not state.subject:
        move.say("ask")
        move.set(then="listen")


def arm(move: Move, due_in: float) -> bool:
    """Have a message written down that goes out if we die; whether there is one."""
    state = move.state
    if state.note in ("none", "failed"):
        if state.notes >= MAX_NOTES:
            return False
        move.set(note="armed", notes=state.notes + 1)
    if move.state.note == "armed":
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


def longest_transfer(plan: FlowPlan, targets: tuple[int, ...]) -> float:
    """Seconds that dialling these targets can take at most."""
    each = [plan.ring_timeouts[target] + DIAL_GRACE + plan.accept_timeout for target in targets]
    return max(each) if plan.at_once else sum(each)


def dial_next(move: Move) -> None:
    """Dial the next target, or all of them at once."""
    state = move.state
    targets = state.waiting if move.plan.at_once else state.waiting[:1]
    move.set(waiting=state.waiting[len(targets) :])
    for target in targets:
        leg = Leg(f"human-{move.state.dialled + 1}", target)
        move.set(dialled=move.state.dialled + 1, legs=(*move.state.legs, leg))
        seconds = move.plan.ring_timeouts[target]
        move.do((do.Refer if move.plan.refer else do.Dial)(leg.id, target, seconds))
        move.start(f"ring:{leg.id}", seconds + DIAL_GRACE)


def leg_lost(move: Move, leg: Leg, outcome: Outcome) -> None:
    """A dial came to nothing: ring the next, or tell the caller."""
    move.forget(leg)
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
    if move.plan.channels:
        promise_message(move)
    else:
        move.set(phase=Phase.CONVERSING)
        move.say("no_person")
        move.set(then="converse" if move.state.model_up else "close")


def promise_message(move: Move) -> None:
    """Ask what it is about if the file says so and nobody has; then send."""
    asks = move.plan.ask_message and not move.state.subject and move.state.ears_up
    if asks and move.state.note in ("none", "armed", "failed"):
        arm(move, 3 * move.plan.caller_silence + DELIVERY_GRACE)
        move.set(phase=Phase.TAKING_MESSAGE, asking="subject", then="listen")
        move.listen(False)
        move.say("ask_message")
    else:
        notify(move)


def notify(move: Move) -> None:
    """Send the message, and wait for the channel's word before anything is claimed."""
    move.listen(False)
    move.set(phase=Phase.NOTIFYING, asking=None, then="stay")
    move.stop("quiet")
    if move.state.note == "accepted":
        tell(move, "notified")
        return
    if not arm(move, DELIVERY_GRACE):
        tell(move, "failed")
        return
    settle(move, move.state.outcome or Outcome.MESSAGE, send=True)
    move.start("patience", move.plan.patience)
    move.start("word", min(move.plan.silence, move.plan.word_every))


def tell(move: Move, key: str) -> None:
    """Tell the caller how their message stands, and go on."""
    move.stop("patience", "word")
    move.say(key)
    if move.plan.then_hang_up or not move.state.model_up:
        say_goodbye(move)
    else:
        move.set(phase=Phase.CONVERSING, then="converse")
        move.say("anything_else")


def nudge(move: Move) -> None:
    """The caller has been silent for long."""
    if move.state.nudges + 1 >= MAX_NUDGES:
        say_goodbye(move)
        return
    move.set(nudges=move.state.nudges + 1, then="converse")
    move.say("still_there")
