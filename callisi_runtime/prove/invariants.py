"""What must hold in every call. `INVARIANTS` is the whole list: a name, the promise in one sentence, the check.

Most checks look at one effect just before it is carried out, or at the world after a whole step. The last three look at
two steps or at the graph of all calls; `walk` and `graph` make them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import MAX_NOTES, FlowPlan, Phase
from callisi_runtime.flow.moves import PAID_TIME
from callisi_runtime.flow.purse import MINUTE
from callisi_runtime.prove.world import World


@dataclass(slots=True)
class Moment:
    """One step of one call, as the checks see it."""

    plan: FlowPlan
    sentences: Mapping[str, str] | None
    event: on.Event
    phase: Phase
    """The machine's phase after the step."""
    world: World
    """Just before the effect is carried out; after the whole step for checks of a step."""
    before: World
    """Before the event."""
    effects: tuple[do.Effect, ...]


EffectCheck = Callable[[Moment, Any], bool]
StepCheck = Callable[[Moment], bool]


@dataclass(frozen=True, slots=True)
class Invariant:
    """One promise. `effects`: the kinds of effect that `allows` judges; `holds` judges a whole step."""

    sentence: str
    allows: EffectCheck | None = None
    effects: tuple[type, ...] = ()
    holds: StepCheck | None = None


# -- what is said ------------------------------------------------------------------------------------------


def _voice_hangs(now: Moment) -> bool:
    """Whether the voice never reports the end of a sentence, so that the call ends without it."""
    if not isinstance(now.event, on.TimerFired):
        return False
    if now.event.name == "call":
        return "greeting" in now.before.speech
    return now.event.name == "end"


def _paid_time_over(now: Moment) -> bool:
    """Whether the time that was paid is over, so that the call ends in the middle of a word."""
    match now.event:
        case on.TimerFired(name):
            return name == PAID_TIME and name in now.before.timers
        case on.Resumed(elapsed):
            return now.plan.budget is not None and elapsed >= now.plan.budget.seconds
    return False


def _cut_off(now: Moment) -> bool:
    return _voice_hangs(now) or _paid_time_over(now)


def _after_greeting(now: Moment, effect: do.Effect) -> bool:
    if _cut_off(now) and isinstance(effect, do.Deliver | do.HangUp):
        return True
    if now.world.greeted or now.world.caller != "here":
        return True
    return effect == do.Say("greeting") or effect in (do.Listen(False), do.Ringback(False))


def _evidence_for_claim(now: Moment, effect: do.Say) -> bool:
    return effect.key != "notified" or now.world.note == "accepted"


def _true_of_the_phones(now: Moment, effect: do.Say) -> bool:
    if effect.key in ("still_ringing", "already_ringing"):
        return any(phone.state == "ringing" for phone in now.world.phones)
    if effect.key == "connecting":
        return any(isinstance(one, do.Dial | do.Refer) for one in now.effects)
    return True


def _declared_sentence(now: Moment, effect: do.Say) -> bool:
    return now.sentences is None or effect.key in now.sentences


def _nothing_after_goodbye(now: Moment, effect: do.Say) -> bool:
    return "goodbye" not in now.world.speech


def _over_after_goodbye(now: Moment) -> bool:
    said = isinstance(now.event, on.Said) and now.event.key == "goodbye" and "goodbye" in now.before.speech
    return not said or now.world.over


def _true_when_begun(now: Moment) -> bool:
    """What is said about the message, judged when it begins: at once, or when the sentence before it is over."""
    head, before = now.world.speech[:1], now.before.speech[:1]
    if head == before and not isinstance(now.event, on.Said | on.Resumed):
        return True
    match head:
        case ("trying",):
            return now.world.note == "sending"
        case ("failed",):
            return now.world.note != "accepted" or now.world.number >= MAX_NOTES
        case ("notified",):
            return now.world.note == "accepted"
    return True


def _granted(now: Moment, effect: do.HangUp) -> bool:
    return not now.world.wished or now.world.caller != "here" or _cut_off(now)


def _told(now: Moment, effect: do.HangUp) -> bool:
    if now.world.caller != "here" or _cut_off(now):
        return True
    return not now.world.connecting and not now.world.passing_on


def _passed_on(now: Moment, effect: do.HangUp) -> bool:
    return not now.world.given or not now.plan.channels or _voice_hangs(now)


def _never_silent(now: Moment) -> bool:
    world = now.world
    if world.caller != "here" or world.over or world.speech or world.ringback or world.bridged:
        return True
    their_turn = now.phase in (Phase.CONVERSING, Phase.TAKING_MESSAGE) and "quiet" in world.timers
    return their_turn or ("word" in world.timers and world.brisk)


# -- who is dialled ----------------------------------------------------------------------------------------


def _declared_target(now: Moment, effect: do.Dial | do.Refer) -> bool:
    target = effect.target
    declared = target in now.world.allowed and target < len(now.plan.ring_timeouts)
    return declared and effect.ring_timeout == now.plan.ring_timeouts[target]


def _one_transfer(now: Moment, effect: do.Dial | do.Refer) -> bool:
    phones = now.world.phones
    if now.world.phone(effect.leg) is not None or any(phone.target == effect.target for phone in phones):
        return False
    started_here = sum(isinstance(one, do.Dial | do.Refer) for one in now.effects)
    return not phones or (now.plan.at_once and len(phones) < started_here)


def _armed_first(now: Moment, effect: do.Dial | do.Refer) -> bool:
    return not now.plan.channels or now.world.note not in ("none", "cancelled")


def _no_phone_left_behind(now: Moment) -> bool:
    world = now.world
    if not world.phones:
        return True
    if world.over or world.caller != "here" or any(phone.target < 0 for phone in world.phones):
        return False
    return now.phase in (Phase.CONNECTING, Phase.ACCEPTING, Phase.CONNECTED)


def _accepts(now: Moment, leg: str) -> bool:
    phone = now.world.phone(leg)
    if phone is None or phone.state != "answered":
        return False
    if now.plan.refer or now.plan.accept == "answer":
        return now.event == on.LegAnswered(leg)
    if not isinstance(now.event, on.KeyPressed) or now.event.leg != leg:
        return False
    return now.event.key == "1" or (now.plan.accept == "any_key" and now.event.key != "2")


def _accepted(now: Moment, effect: do.Bridge) -> bool:
    return _accepts(now, effect.leg)


def _prompt_to_staff(now: Moment, effect: do.Prompt) -> bool:
    phone = now.world.phone(effect.leg)
    return phone is not None and phone.state == "answered" and phone.target >= 0


def _alone_when_bridged(now: Moment) -> bool:
    world = now.world
    if world.bridged is None:
        return True
    quiet = not world.ringback and not world.listening and set(world.speech) <= {"time_warning"}
    return quiet and len(world.phones) == 1 and now.phase is Phase.CONNECTED


def _affordable(now: Moment, effect: do.Dial | do.Refer) -> bool:
    return not now.world.grounded


def _quiet_when_spent(now: Moment) -> bool:
    return not (now.world.muted and now.world.listening)


def _paid_clock(now: Moment, effect: do.StartTimer | do.ExtendTimer) -> bool:
    """The paid time's clock is set when the caller arrives, to what is set aside, and by a successor to the rest."""
    budget = now.plan.budget
    if effect.name != PAID_TIME or budget is None:
        return True
    match now.event:
        case on.Arrived():
            return effect == do.StartTimer(PAID_TIME, budget.seconds)
        case on.Resumed(elapsed):
            return isinstance(effect, do.StartTimer) and effect.seconds <= budget.seconds - elapsed
    # the time with a person is paid when they take the call, and only then
    paid = now.plan.talk_seconds + MINUTE
    return (
        isinstance(effect, do.ExtendTimer)
        and effect.seconds < paid
        and any(isinstance(one, do.Bridge) for one in now.effects)
    )


def _ends_with_paid_time(now: Moment) -> bool:
    if now.plan.budget is None or now.before.caller == "away" or now.before.over:
        return True
    return now.world.over or (PAID_TIME in now.world.timers and not _paid_time_over(now))


def _listens_only_in_talk(now: Moment) -> bool:
    if not now.world.listening:
        return True
    asking = now.plan.ask_while_ringing and now.phase in (Phase.CONNECTING, Phase.ACCEPTING)
    return now.world.able and now.world.caller == "here" and (asking or now.phase is Phase.CONVERSING)


# -- what is promised --------------------------------------------------------------------------------------


def _one_notification(now: Moment, effect: do.Arm | do.Settle | do.Deliver) -> bool:
    world = now.world
    match effect:
        case do.Arm(number, _):
            again = number == world.number and world.note == "armed"
            return again or (number == world.number + 1 and world.note != "armed")
        case do.Settle(_, number, send, evidence):
            if world.note == "sending" and not send and evidence is None:
                return False
            return number == 0 or (number == world.number and world.note == "armed")
        case do.Deliver(number):
            return number == world.number and world.note == "sending" and not world.delivered


def _sent_when_due(now: Moment) -> bool:
    return now.world.note != "sending" or now.world.delivered or now.world.over


def _closed_on_evidence(now: Moment, effect: do.Close | do.Settle) -> bool:
    match effect.evidence:
        case None:
            return True
        case "accepted_by_person":
            legs = [phone.id for phone in now.world.phones]
            bridged = now.world.bridged is not None and isinstance(now.event, on.KeyPressed | on.LegAnswered)
            return isinstance(effect, do.Settle) and (bridged or any(_accepts(now, leg) for leg in legs))
        case "message_accepted":
            return isinstance(now.event, on.NoteAccepted)
        case "served" | "withdrew":
            return not now.world.owed and not now.world.wished and not now.world.unheard
    return False


def _nothing_vanishes(now: Moment) -> bool:
    world = now.world
    if not world.over or not now.plan.channels:
        return True
    if world.closed:
        return not world.wished or world.note not in ("none", "cancelled")
    return world.note in ("sending", "failed", "accepted") or (world.unheard and not world.left)


def _hangs_up_when_left(now: Moment) -> bool:
    return now.world.caller != "left" or now.world.over


def _dead_is_dead(now: Moment) -> bool:
    return not now.before.over or all(isinstance(effect, do.Drop | do.Close) for effect in now.effects)


def _has_a_clock(now: Moment) -> bool:
    return now.world.caller != "here" or now.world.over or bool(now.world.timers - {PAID_TIME})


DIALS = (do.Dial, do.Refer)
HEARD = (do.Say, do.Hush, *DIALS, do.Listen, do.Ringback, do.Bridge, do.Deliver, do.HangUp)

INVARIANTS: dict[str, Invariant] = {
    "disclosure": Invariant(
        "Nothing is said, cut off or dialled before the greeting, which names the AI, was said to its end.",
        _after_greeting, HEARD,
    ),
    "evidence_first": Invariant(
        "`notified` is said only after a channel has accepted that very message.", _evidence_for_claim, (do.Say,)
    ),
    "true_ringing": Invariant(
        "It is said that it rings only while it does, and `connecting` only when somebody is dialled.",
        _true_of_the_phones, (do.Say,),
    ),
    "true_when_begun": Invariant(
        "What is said of the message is true when the sentence begins, not only when it was decided.",
        holds=_true_when_begun,
    ),
    "wish_granted": Invariant(
        "Whoever asks for a person is put through, or told why not, as long as the line is up.",
        _granted, (do.HangUp,),
    ),
    "declared_sentence": Invariant("Only sentences of the file are said.", _declared_sentence, (do.Say,)),
    "goodbye_last": Invariant(
        "Nothing is said after goodbye, and after it the call ends.",
        _nothing_after_goodbye, (do.Say,), _over_after_goodbye,
    ),
    "told": Invariant(
        "Nobody is hung up on who was promised a person or a message and has not heard what became of it.",
        _told, (do.HangUp,),
    ),
    "passed_on": Invariant(
        "What a caller leaves goes to staff, whatever is under way when it comes, unless a person took the call.",
        _passed_on, (do.HangUp,),
    ),
    "never_silent": Invariant(
        "The caller always hears something, or has the floor, or hears something within the plan's `silence`.",
        holds=_never_silent,
    ),
    "declared_target": Invariant(
        "Only declared targets are dialled that may be dialled now, for as long as the file says.",
        _declared_target, DIALS,
    ),
    "one_transfer": Invariant(
        "One transfer rings at a time, and no number twice, however often it is asked for.", _one_transfer, DIALS
    ),
    "armed_first": Invariant(
        "Before anybody is dialled, the message is written down that goes out if we die.", _armed_first, DIALS
    ),
    "no_phone_left_behind": Invariant(
        "A telephone never rings on, and nobody stays on the line, when the caller, the call or the transfer is over.",
        holds=_no_phone_left_behind,
    ),
    "accepted_by_person": Invariant(
        "A caller is bridged only to a telephone that has accepted in the way the file asks for.",
        _accepted, (do.Bridge,),
    ),
    "prompt_to_staff": Invariant(
        "Who calls is told only to a telephone that was dialled and picked up.", _prompt_to_staff, (do.Prompt,)
    ),
    "alone_when_bridged": Invariant(
        "Caller and person are alone: no ringback, no agent, no other telephone.", holds=_alone_when_bridged
    ),
    "listens_only_in_talk": Invariant(
        "The language model hears the caller only in conversation, or while it rings if the file asks then.",
        holds=_listens_only_in_talk,
    ),
    "one_notification": Invariant(
        "A message is armed, settled and handed over once; again only by a successor.",
        _one_notification, (do.Arm, do.Settle, do.Deliver), _sent_when_due,
    ),
    "closed_on_evidence": Invariant(
        "An obligation is closed on evidence only: a person or a channel accepted, or nothing can be owed any more.",
        _closed_on_evidence, (do.Close, do.Settle),
    ),
    "nothing_vanishes": Invariant(
        "At the end the obligation is closed, or a message of it is on its way or failed in the ledger; after a crash "
        "that the caller has heard nothing since, the safety note goes out.",
        holds=_nothing_vanishes,
    ),
    "hangs_up_when_left": Invariant("When the caller has left, the call ends at once.", holds=_hangs_up_when_left),
    "dead_is_dead": Invariant(
        "After the end nothing is done but ending late telephones and writing evidence down.", holds=_dead_is_dead
    ),
    "within_budget": Invariant(
        "When the money is used up, the language model answers nothing more, and nobody is dialled.",
        _affordable, DIALS, _quiet_when_spent,
    ),
    "paid_time": Invariant(
        "Where time costs money, the call ends when the time that is set aside is over, whoever has it by then.",
        _paid_clock, (do.StartTimer, do.ExtendTimer), _ends_with_paid_time,
    ),
    "has_a_clock": Invariant("Nothing waits without a timer, whatever provider never answers.", holds=_has_a_clock),
    "doubled": Invariant("A report or a request that comes twice changes nothing the second time."),
    "ends": Invariant("Every call ends in finitely many steps, whatever the caller and the providers do."),
    "way_out": Invariant("From every moment of every call its end can be reached."),
}  # fmt: skip
"""Name -> promise, in the order in which they are checked."""

EFFECT_CHECKS: dict[type, tuple[tuple[str, EffectCheck], ...]] = {
    kind: tuple((name, one.allows) for name, one in INVARIANTS.items() if one.allows and kind in one.effects)
    for kind in {kind for one in INVARIANTS.values() for kind in one.effects}
}
STEP_CHECKS: tuple[tuple[str, StepCheck], ...] = tuple(
    (name, one.holds) for name, one in INVARIANTS.items() if one.holds
)
