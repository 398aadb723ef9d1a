"""The world around the machine: what really goes on in a call, kept from events and effects alone.

The proof believes nothing the machine says about itself. A timer runs when it was started, a telephone rings when
it was dialled and not dropped, a promise is told when its sentence was said to its end.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import MAX_NOTES, FlowPlan, changed

Word = Literal["none", "armed", "sending", "accepted", "failed", "cancelled"]
RESULTS = frozenset({"no_answer", "busy", "closed", "no_person", "notified", "trying", "failed"})
"""Sentences that tell a caller what became of a transfer."""
NOTE_RESULTS = frozenset({"notified", "trying", "failed"})
"""Sentences that tell a caller what became of a message."""


class Phone(NamedTuple):
    """A telephone that was dialled and neither dropped nor lost."""

    id: str
    target: int
    state: Literal["dialled", "ringing", "answered", "bridged"] = "dialled"


class World(NamedTuple):
    """Everything around the machine at one moment."""

    caller: Literal["away", "here", "left"] = "away"
    allowed: tuple[int, ...] = ()
    greeted: bool = False
    able: bool = True
    """Language model and transcriber answer."""
    speech: tuple[str, ...] = ()
    timers: frozenset[str] = frozenset()
    brisk: bool = False
    """The `word` timer is not longer than the silence that the plan allows."""
    ringback: bool = False
    listening: bool = False
    phones: tuple[Phone, ...] = ()
    note: Word = "none"
    number: int = 0
    delivered: bool = False
    """The latest message was handed to the channels, by the process that now runs."""
    connecting: bool = False
    """The caller was promised a person and has not heard what became of it."""
    passing_on: bool = False
    """The caller was promised that staff will know, and has not heard what became of it."""
    owed: bool = False
    """A person was dialled or a message written for this caller, and nothing proves that anybody knows."""
    unheard: bool = False
    """A process died, and what the caller said then may be lost; they have heard nothing since."""
    left: bool = False
    """A message of the call was sent, so that the safety note does not go out any more."""
    given: bool = False
    """A message was left that is in none to staff yet."""
    wished: bool = False
    """A person was asked for, and since then nobody was dialled, and nothing was said about it."""
    closed: bool = False
    over: bool = False
    muted: bool = False
    """The language model cannot be paid any more."""
    grounded: bool = False
    """One more transfer cannot be paid any more."""

    def phone(self, phone_id: str) -> Phone | None:
        """The telephone of that id, while it is ours."""
        for one in self.phones:
            if one.id == phone_id:
                return one
        return None

    @property
    def bridged(self) -> Phone | None:
        """The telephone whose person talks with the caller."""
        return next((one for one in self.phones if one.state == "bridged"), None)


def happen(world: World, event: on.Event) -> World:
    """The world after an event, before the machine has answered."""
    change = HAPPENS.get(type(event))
    return change(world, event) if change is not None else world


def _arrived(world: World, event: on.Arrived) -> World:
    if world.caller != "away":
        return world
    world = changed(world, caller="here", allowed=event.allowed if event.open else ())
    return world if event.funds else changed(world, able=False, muted=True, grounded=True)


def _said(world: World, event: on.Said) -> World:
    if event.key not in world.speech:
        return world
    cut = world.speech.index(event.key) + 1
    said = world.speech[:cut]
    return changed(
        world,
        speech=world.speech[cut:],
        greeted=world.greeted or "greeting" in said,
        unheard=world.unheard and not event.heard,
        connecting=world.connecting and RESULTS.isdisjoint(said),
        passing_on=world.passing_on and NOTE_RESULTS.isdisjoint(said),
    )


def _phone_is(world: World, phone_id: str, state: Literal["ringing", "answered", "bridged"]) -> World:
    phones = tuple(one._replace(state=state) if one.id == phone_id else one for one in world.phones)
    return changed(world, phones=phones)


def _ringing(world: World, event: on.LegRinging) -> World:
    phone = world.phone(event.leg)
    return _phone_is(world, event.leg, "ringing") if phone and phone.state == "dialled" else world


def _answered(world: World, event: on.LegAnswered) -> World:
    phone = world.phone(event.leg)
    if phone is None:
        return changed(world, phones=(*world.phones, Phone(event.leg, -1, "answered")))
    return _phone_is(world, event.leg, "answered") if phone.state in ("dialled", "ringing") else world


def _gone(world: World, event: on.LegFailed | on.LegLeft | do.Drop) -> World:
    phones = tuple(one for one in world.phones if one.id != event.leg)
    return world if len(phones) == len(world.phones) else changed(world, phones=phones)


def _wished(world: World, event: on.PersonWanted) -> World:
    """A message that is on its way is an answer, but not to somebody who hears goodbye alone."""
    told = not RESULTS.isdisjoint(world.speech)
    answered = world.note in ("sending", "accepted") and "goodbye" not in world.speech
    if world.wished or answered or told or world.phones or world.over or world.caller != "here":
        return world
    return changed(world, wished=True)


def _detail_given(world: World, event: on.DetailGiven) -> World:
    """A message; what neither a new one nor the one that is armed can take any more is not counted."""
    room = world.number < MAX_NOTES or world.note == "armed"
    heard = world.greeted and world.caller == "here" and world.bridged is None and not world.over
    return changed(world, given=True) if heard and room and not world.given else world


def _given_up(world: World, event: on.Withdrawn | on.GoodbyeWanted) -> World:
    if world.wished:
        world = changed(world, wished=False)
    ringing = bool(world.phones) and world.bridged is None
    return changed(world, connecting=False) if ringing and world.connecting else world


def _note_accepted(world: World, event: on.NoteAccepted) -> World:
    latest = event.number == world.number and world.note in ("armed", "sending", "failed")
    if not latest and not world.owed:
        return world
    return changed(world, owed=False, left=True, note="accepted" if latest else world.note)


def _note_failed(world: World, event: on.NoteFailed) -> World:
    if event.number == world.number and world.note in ("armed", "sending"):
        return changed(world, note="failed", left=True)
    return world


def _resumed(world: World, event: on.Resumed) -> World:
    if world.over:
        return world
    return changed(
        world,
        speech=(),
        timers=frozenset(),
        ringback=False,
        listening=False,
        delivered=False,
        unheard=world.bridged is None and not world.closed and not world.owed,
    )


def _fired(world: World, event: on.TimerFired) -> World:
    return changed(world, timers=world.timers - {event.name}) if event.name in world.timers else world


def _down(world: World, event: on.ModelDown | on.EarsDown) -> World:
    return changed(world, able=False) if world.able else world


def _spent(world: World, event: on.BudgetSpent) -> World:
    return changed(world, able=False, muted=True, grounded=world.grounded or event.dials)


HAPPENS: dict[type, Any] = {
    on.Arrived: _arrived,
    on.Said: _said,
    on.LegRinging: _ringing,
    on.LegAnswered: _answered,
    on.LegFailed: _gone,
    on.LegLeft: _gone,
    on.PersonWanted: _wished,
    on.DetailGiven: _detail_given,
    on.Withdrawn: _given_up,
    on.GoodbyeWanted: _given_up,
    on.NoteAccepted: _note_accepted,
    on.NoteFailed: _note_failed,
    on.Resumed: _resumed,
    on.CallerLeft: lambda world, event: changed(world, caller="left"),
    on.TimerFired: _fired,
    on.ModelDown: _down,
    on.EarsDown: _down,
    on.BudgetSpent: _spent,
    on.DialsSpent: lambda world, event: world if world.grounded else changed(world, grounded=True),
}


def carry_out(world: World, plan: FlowPlan, effect: do.Effect) -> World:
    """The world after the driver has carried an effect out."""
    change = CARRIES_OUT.get(type(effect))
    return change(world, plan, effect) if change is not None else world


def _say(world: World, plan: FlowPlan, effect: do.Say) -> World:
    return changed(
        world,
        speech=(*world.speech, effect.key),
        connecting=world.connecting or effect.key == "connecting",
        passing_on=world.passing_on or effect.key == "ask_message",
        wished=world.wished and effect.key not in RESULTS,
    )


def _instead(world: World, plan: FlowPlan, effect: do.Instead) -> World:
    keys = () if effect.key is None else (effect.key,)
    speech: tuple[str, ...] = ()
    for one in world.speech:
        speech += keys if one == effect.of else (one,)
    return changed(world, speech=speech)


def _dial(world: World, plan: FlowPlan, effect: do.Dial | do.Refer) -> World:
    return changed(
        world, phones=(*world.phones, Phone(effect.leg, effect.target)), owed=not world.closed, wished=False,
        unheard=False,
    )  # fmt: skip


def _arm(world: World, plan: FlowPlan, effect: do.Arm) -> World:
    if effect.number == world.number:
        return world
    return changed(
        world, number=effect.number, note="armed", delivered=False, owed=not world.closed, unheard=False
    )


def _settle(world: World, plan: FlowPlan, effect: do.Settle) -> World:
    if effect.evidence is not None and plan.refer:
        world = changed(world, phones=(), caller="left")
    if effect.evidence is not None:
        world = changed(
            world, connecting=False, passing_on=False, owed=False, unheard=False, given=False, closed=True
        )
    elif not effect.send and world.note in ("none", "armed", "cancelled"):
        world = changed(world, owed=False)
    if not effect.number:
        return world
    if not effect.send:
        return changed(world, note="cancelled")
    return changed(world, note="sending", left=True, given=False, passing_on=world.caller == "here")


def _start(world: World, plan: FlowPlan, effect: do.StartTimer) -> World:
    brisk = effect.seconds <= plan.silence if effect.name == "word" else world.brisk
    return changed(world, timers=world.timers | {effect.name}, brisk=brisk)


CARRIES_OUT: dict[type, Any] = {
    do.Say: _say,
    do.Instead: _instead,
    do.Hush: lambda world, plan, effect: changed(world, speech=()),
    do.Listen: lambda world, plan, effect: changed(world, listening=effect.on),
    do.Ringback: lambda world, plan, effect: changed(world, ringback=effect.on),
    do.Dial: _dial,
    do.Refer: _dial,
    do.Bridge: lambda world, plan, effect: changed(_phone_is(world, effect.leg, "bridged"), connecting=False),
    do.Drop: lambda world, plan, effect: _gone(world, effect),
    do.Arm: _arm,
    do.Settle: _settle,
    do.Deliver: lambda world, plan, effect: changed(world, delivered=True),
    do.StartTimer: _start,
    do.StopTimer: lambda world, plan, effect: changed(world, timers=world.timers - {effect.name}),
    do.Close: lambda world, plan, effect: changed(world, closed=True, owed=False, unheard=False),
    do.HangUp: lambda world, plan, effect: changed(
        world,
        over=True,
        speech=(),
        timers=frozenset(),
        ringback=False,
        listening=False,
        passing_on=False,
        connecting=False,
    ),
}
