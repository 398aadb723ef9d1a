"""Machines with one planted defect each: the proof finds it, and names the promise it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from callisi_runtime.flow import CallState, FlowPlan, Phase, step
from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.plan.sentences import SENTENCES
from callisi_runtime.prove import prove
from callisi_runtime.prove.walk import Machine
from tests.prove.shapes import LIMITED, SHAPES, TRANSFER

Result = tuple[CallState, tuple[do.Effect, ...]]
Change = Callable[[FlowPlan, CallState, on.Event, CallState, tuple[do.Effect, ...]], Result]


def spoilt(change: Change) -> Machine:
    """The machine, with one thing done wrong after every step."""

    def machine(plan: FlowPlan, state: CallState, event: on.Event) -> Result:
        after, effects = step(plan, state, event)
        return change(plan, state, event, after, effects)

    return machine


def without(*kinds: type) -> Change:
    return lambda plan, old, event, new, effects: (
        new,
        tuple(one for one in effects if not isinstance(one, kinds)),
    )


def notified_before_evidence(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if new.phase is Phase.NOTIFYING and old.phase is not Phase.NOTIFYING:
        return new._replace(speech=(*new.speech, "notified")), (*effects, do.Say("notified"))
    return new, effects


def human_leg_rings_on(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.Withdrawn():
        return without(do.Drop)(plan, old, event, new, effects)
    return new, effects


def no_drop_when_caller_leaves(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.CallerLeft():
        return without(do.Drop)(plan, old, event, new, effects)
    return new, effects


def second_request_dials_again(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.PersonWanted() and old.phase is Phase.CONNECTING:
        return new, (*effects, do.Dial("human-9", 0, plan.ring_timeouts[0]))
    return new, effects


def silent_after_failed_dial(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if isinstance(event, on.LegFailed) and new.phase is Phase.NOTIFYING:
        return new._replace(speech=(), timers=frozenset({"call", "patience"})), tuple(
            one for one in effects if not isinstance(one, do.Say) and one != do.StartTimer("word", 6.0)
        )
    return new, effects


def closed_while_connecting(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if new.phase is Phase.CONNECTING and old.phase is Phase.CONVERSING:
        return new._replace(evidence="served"), (*effects, do.Close("served"))
    return new, effects


def bridged_without_key(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if isinstance(event, on.LegAnswered) and new.phase is Phase.ACCEPTING:
        return step(plan, new, on.KeyPressed("1", event.leg))
    return new, effects


def key_of_the_caller_accepts(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.KeyPressed("1") and old.phase is Phase.ACCEPTING:
        return step(plan, old, on.KeyPressed("1", old.legs[0].id))
    return new, effects


def word_timer_never_restarted(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.TimerFired("word") and new.phase is Phase.NOTIFYING:
        return new._replace(timers=new.timers - {"word"}), without(do.StartTimer)(
            plan, old, event, new, effects
        )[1]
    return new, effects


def greeting_skipped(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if isinstance(event, on.Arrived) and new.phase is Phase.GREETING:
        return step(plan, new, on.Said("greeting"))
    return new, effects


def greeting_cut_off(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.CallerSpoke() and new.phase is Phase.GREETING:
        return new, (do.Hush(), do.Say("greeting"))
    return new, effects


def prompt_to_the_caller(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    return new, tuple(do.Prompt("caller") if isinstance(one, do.Prompt) else one for one in effects)


def hung_up_before_told(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if isinstance(event, on.NoteFailed) and old.phase is Phase.NOTIFYING and new.phase is not Phase.NOTIFYING:
        return CallState(phase=Phase.ENDED, note="failed", notes=new.notes, owed=True), (do.HangUp(),)
    return new, effects


def delivered_twice(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.TimerFired("patience") and old.phase is Phase.NOTIFYING:
        return new, (*effects, do.Deliver(old.notes))
    return new, effects


def goodbye_for_ever(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.Said("goodbye") and old.phase is Phase.CLOSING and old.speech == ("goodbye",):
        return old, (do.Say("goodbye"),)
    return new, effects


def listens_while_connected(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if new.phase is Phase.CONNECTED and old.phase is Phase.ACCEPTING:
        return new._replace(listening=True), (*effects, do.Listen(True))
    return new, effects


def ringback_while_connected(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if new.phase is Phase.CONNECTED:
        return new, tuple(one for one in effects if not isinstance(one, do.Ringback))
    return new, effects


def stranger_dialled(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    return new, tuple(do.Dial(one.leg, 7, 25) if isinstance(one, do.Dial) else one for one in effects)


def nagging_without_end(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.TimerFired("call") and old.phase is Phase.CONVERSING and "call" in old.timers:
        return old, (do.StartTimer("call", 30.0),)
    return new._replace(nudges=0) if new.phase is Phase.CONVERSING else new, effects


def failed_message_forgotten(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if isinstance(event, on.NoteFailed) and old.owed:
        return new._replace(owed=False), effects
    return new, effects


def late_word_after_goodbye(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if isinstance(event, on.NoteAccepted) and old.phase is Phase.CLOSING and old.note == "sending":
        return new._replace(speech=(*new.speech, "notified")), (*effects, do.Say("notified"))
    return new, effects


def room_left_open(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.CallerLeft() and old.phase is Phase.CONVERSING:
        return old, ()
    return new, effects


def dials_after_the_end(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if old.phase is Phase.ENDED and event == on.PersonWanted():
        return new, (do.Say("goodbye"),)
    return new, effects


def answers_without_money(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.BudgetSpent() and old.listening:
        return old, ()
    return new, effects


def dials_without_money(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    return (old, ()) if event == on.DialsSpent() else (new, effects)


def answers_though_the_day_is_over(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if isinstance(event, on.Arrived) and not event.funds:
        return new._replace(model_up=True), effects
    return new, effects


def successor_begins_the_time_anew(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    return step(plan, old, on.Resumed()) if isinstance(event, on.Resumed) else (new, effects)


def goodbye_taken_back_begins_the_time_anew(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if old.phase is Phase.CLOSING and new.phase in (Phase.CONVERSING, Phase.CONNECTING):
        return new, (*effects, do.StartTimer("paid", plan.budget.seconds))
    return new, effects


def goes_on_when_the_time_is_over(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    return (old, ()) if event == on.TimerFired("paid") else (new, effects)


def goodbye_stops_the_clock_of_the_time(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if new.phase is Phase.CLOSING and old.phase is not Phase.CLOSING:
        return new._replace(timers=new.timers - {"paid"}), (*effects, do.StopTimer("paid"))
    return new, effects


def talks_longer_than_paid(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    return new, tuple(
        do.ExtendTimer(one.name, 2 * one.seconds) if isinstance(one, do.ExtendTimer) else one
        for one in effects
    )


LIMITED_TRANSFER = replace(LIMITED, channels=())
"""Messages are set aside before a call begins: what money does to it shows without them, in a tenth of the moments."""
LIMIT_DEFECTS: dict[str, tuple[Change, str]] = {
    "lets the model answer though it cannot be paid": (answers_without_money, "within_budget"),
    "dials though it cannot be paid": (dials_without_money, "within_budget"),
    "lets the model answer though the day is over": (answers_though_the_day_is_over, "within_budget"),
    "begins the paid time anew with each successor": (successor_begins_the_time_anew, "paid_time"),
    "begins the paid time anew when a goodbye is taken back": (
        goodbye_taken_back_begins_the_time_anew,
        "paid_time",
    ),
    "goes on when the paid time is over": (goes_on_when_the_time_is_over, "paid_time"),
    "stops the clock of the paid time with the others": (goodbye_stops_the_clock_of_the_time, "paid_time"),
    "lets them talk longer than was paid": (talks_longer_than_paid, "paid_time"),
}


@pytest.mark.parametrize("name", LIMIT_DEFECTS)
def test_a_planted_defect_of_the_limit_is_found(name: str) -> None:
    change, invariant = LIMIT_DEFECTS[name]
    proof = prove(LIMITED_TRANSFER, machine=spoilt(change))
    assert invariant in {violation.invariant for violation in proof.violations}


def late_wish_ignored(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if isinstance(event, on.PersonWanted) and old.phase is Phase.CLOSING:
        return old, ()
    return new, effects


def trying_said_of_a_dead_message(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if isinstance(event, on.NoteFailed) and "trying" in old.speech:
        return new._replace(speech=old.speech), without(do.Instead)(plan, old, event, new, effects)[1]
    return new, effects


def crash_forgotten(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    if event == on.CallerLeft() and old.gap and do.HangUp() in effects:
        return new._replace(evidence="withdrew"), (do.Close("withdrew"), *effects)
    return new, effects


def unheard_goodbye_counts(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    return step(plan, old, on.Said(event.key)) if isinstance(event, on.Said) else (new, effects)


def detail_dropped(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    sending = isinstance(event, on.DetailGiven) and old.phase is Phase.NOTIFYING
    return (old, ()) if sending else (new, effects)


def left_while_ringing_dropped(plan, old, event, new, effects):  # type: ignore[no-untyped-def]
    ringing = isinstance(event, on.DetailGiven) and old.phase is Phase.CONNECTING
    return (old, ()) if ringing else (new, effects)


DEFECTS: dict[str, tuple[Change, str]] = {
    "drops what is left while a message is being sent": (detail_dropped, "passed_on"),
    "drops what is left while it rings": (left_while_ringing_dropped, "passed_on"),
    "takes hanging up after a crash for a withdrawal": (crash_forgotten, "closed_on_evidence"),
    "takes a goodbye that nobody heard for one": (unheard_goodbye_counts, "closed_on_evidence"),
    "says notified before the evidence": (notified_before_evidence, "evidence_first"),
    "leaves the human leg ringing": (human_leg_rings_on, "no_phone_left_behind"),
    "does not drop when the caller leaves": (no_drop_when_caller_leaves, "no_phone_left_behind"),
    "forgets the second request and dials twice": (second_request_dials_again, "one_transfer"),
    "falls silent after a failed dial": (silent_after_failed_dial, "never_silent"),
    "closes the obligation while it rings": (closed_while_connecting, "closed_on_evidence"),
    "bridges on the answer, without the key": (bridged_without_key, "accepted_by_person"),
    "takes the caller's key for acceptance": (key_of_the_caller_accepts, "accepted_by_person"),
    "never starts the word timer again": (word_timer_never_restarted, "never_silent"),
    "skips the greeting": (greeting_skipped, "disclosure"),
    "lets the greeting be cut off": (greeting_cut_off, "disclosure"),
    "prompts the caller": (prompt_to_the_caller, "prompt_to_staff"),
    "hangs up before telling": (hung_up_before_told, "told"),
    "delivers twice": (delivered_twice, "one_notification"),
    "says goodbye for ever": (goodbye_for_ever, "goodbye_last"),
    "listens while connected": (listens_while_connected, "alone_when_bridged"),
    "rings on for the connected caller": (ringback_while_connected, "alone_when_bridged"),
    "dials an undeclared target": (stranger_dialled, "declared_target"),
    "dials before the message is armed": (without(do.Arm), "armed_first"),
    "never ends": (nagging_without_end, "ends"),
    "forgets a message that failed": (failed_message_forgotten, "closed_on_evidence"),
    "says notified after goodbye": (late_word_after_goodbye, "goodbye_last"),
    "leaves the room open": (room_left_open, "hangs_up_when_left"),
    "speaks after the end": (dials_after_the_end, "dead_is_dead"),
    "hangs up on who asks for a person in the goodbye": (late_wish_ignored, "wish_granted"),
    "says trying of a message that is dead": (trying_said_of_a_dead_message, "true_when_begun"),
    "starts no timer": (without(do.StartTimer), "has_a_clock"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_is_found_by_its_name(name: str) -> None:
    change, invariant = DEFECTS[name]
    proof = prove(SHAPES["hangs up after the message"], machine=spoilt(change))
    found = {violation.invariant: violation for violation in proof.violations}
    assert invariant in found
    assert found[invariant].call[0].startswith(" 1. ")


def test_the_shortest_call_is_told_with_the_sentences_of_the_file() -> None:
    machine = spoilt(human_leg_rings_on)
    words = {**dict.fromkeys(SENTENCES, "..."), "greeting": "Guten Tag, hier ist Clara, die KI-Assistentin."}
    broken = {one.invariant: one.call for one in prove(TRANSFER, words, machine=machine).violations}
    call = broken["no_phone_left_behind"]
    assert call[1] == " 2. agent: „Guten Tag, hier ist Clara, die KI-Assistentin.“"
    assert call[-1].endswith("„...“")
    assert len(call) < 16


def test_without_a_defect_the_limit_holds() -> None:
    assert prove(LIMITED_TRANSFER).violations == ()
