"""The moves that several phases share. A `Move` gathers one step: a changing state and the effects so far."""

from __future__ import annotations

from typing import Any

from callisi_runtime.flow import effects as do
from callisi_runtime.flow.model import CallState, Evidence, FlowPlan, Leg, NoteState, Phase

PLACES = {name: place for place, name in enumerate(CallState._fields)}
RESULTS = frozenset({"no_answer", "busy", "closed", "no_person", "notified", "trying", "failed"})
"""Sentences that tell callers what became of their wish: never cut off."""
LAST_WORDS_SECONDS = 30.0
"""Seconds after which the call ends even if the voice never reports that the goodbye was said."""
PAID_TIME = "paid"
"""The timer of the time that is paid: it runs from the first moment to the last, and nothing starts it anew."""


def split(speech: tuple[str, ...], key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is said before a sentence, and what after it."""
    place = speech.index(key)
    return speech[:place], speech[place + 1 :]


class Move:
    """One step in the making. Private to `flow`: from outside, `step` is a pure function."""

    __slots__ = ("effects", "plan", "state")

    def __init__(self, plan: FlowPlan, state: CallState) -> None:
        self.plan = plan
        self.state = state
        self.effects: list[do.Effect] = []

    def set(self, **changes: Any) -> None:
        """Change fields of the state. What a proof does a million times is done by position."""
        values = list(self.state)
        for name, value in changes.items():
            values[PLACES[name]] = value
        self.state = tuple.__new__(type(self.state), values)

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

    def instead(self, of: str, *keys: str) -> None:
        """Say another sentence, or none, in the place of one that waits to be said and does not hold any more."""
        before, after = split(self.state.speech, of)
        self.set(speech=(*before, *keys, *after))
        self.do(do.Instead(of, *keys))

    def hush(self) -> None:
        """Stop speaking. Only where nothing that the caller must hear is being said."""
        self.set(speech=(), then="stay")
        self.do(do.Hush())

    @property
    def telling(self) -> bool:
        """Whether something is being said that the caller must hear to its end."""
        return not RESULTS.isdisjoint(self.state.speech)

    def tell_only(self) -> None:
        """Of what waits to be said, say only what the caller must hear."""
        for key in self.state.speech:
            if key not in RESULTS:
                self.instead(key)

    def take_floor(self) -> bool:
        """Stop what is being said, by us or by the language model; False where the caller must hear it first."""
        if self.telling:
            return False
        self.stop("quiet")
        self.hush()
        return True

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
        running = [name for name in names if name in self.state.timers]
        if running:
            self.set(timers=self.state.timers.difference(running))
            self.effects += map(do.StopTimer, running)

    def stop_all(self, *, but: tuple[str, ...] = ()) -> None:
        """Stop every timer except some, and that of the time that is paid."""
        self.stop(*sorted(self.state.timers - {*but, PAID_TIME}))

    # -- legs -----------------------------------------------------------------------------------------------

    def change_leg(self, leg: Leg, **changes: Any) -> None:
        """Change one leg."""
        self.set(legs=tuple(one._replace(**changes) if one.id == leg.id else one for one in self.state.legs))

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
        """Close the obligation, once. A caller who may have asked a dead process for something has not withdrawn it."""
        if self.state.gap and evidence in ("served", "withdrew"):
            return
        if self.state.evidence is None:
            self.set(evidence=evidence)
            self.do(do.Close(evidence))

    def end(self) -> None:
        """The call is over: nothing rings, nothing is timed."""
        self.drop(*self.state.legs)
        self.ringback(False)
        self.stop_all()
        self.stop(PAID_TIME)
        self.set(phase=Phase.ENDED, speech=(), then="stay", listening=False, asking=None, waiting=())
        self.do(do.HangUp())


def say_goodbye(move: Move, *before: str) -> None:
    """Say goodbye and hang up."""
    move.stop_all()
    move.listen(False)
    news = word_for(move.state.note) if move.state.news else None
    move.set(phase=Phase.CLOSING, then="close", asking=None, news=False)
    move.start("end", LAST_WORDS_SECONDS)
    move.say(*filter(None, (news, *before)), "goodbye")


def word_for(note: NoteState) -> str:
    """The sentence that says how a message ended."""
    return "notified" if note == "accepted" else "failed"


def go_on(move: Move, *before: str) -> None:
    """Ask what else there is, or say goodbye when no conversation is possible."""
    if not move.state.able:
        say_goodbye(move, *before)
        return
    move.set(phase=Phase.CONVERSING, then="converse", asking=None)
    move.say(*before, "anything_else")
