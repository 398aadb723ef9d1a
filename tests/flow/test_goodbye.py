"""What a caller still wants while goodbye is being said, and while they are being told something."""

from __future__ import annotations

import pytest

from callisi_runtime.flow import CallState, FlowPlan, Phase, step
from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from tests.prove.shapes import BASIC, CLARA, TRANSFER

GOODBYE = CallState(
    phase=Phase.CLOSING, allowed=(0,), speech=("goodbye",), then="close", timers=frozenset({"end"})
)


def play(plan: FlowPlan, state: CallState, *events: on.Event) -> tuple[CallState, list[do.Effect]]:
    done: list[do.Effect] = []
    for event in events:
        state, effects = step(plan, state, event)
        done += effects
    return state, done


def test_a_person_asked_for_in_the_goodbye_is_dialled() -> None:
    state, done = play(CLARA, GOODBYE, on.PersonWanted())
    assert state.phase is Phase.CONNECTING
    assert done.index(do.Hush()) < done.index(do.Say("connecting"))
    assert do.Dial("human-1", 0, 25) in done
    assert state.timers == {"call", "ring:human-1", "word"}


def test_a_caller_whose_words_are_not_understood_presses_1_in_the_goodbye() -> None:
    state, _ = play(CLARA, GOODBYE._replace(ears_up=False), on.KeyPressed("1"))
    assert state.phase is Phase.CONNECTING


def test_when_nobody_may_be_dialled_any_more_staff_gets_a_message() -> None:
    state, done = play(CLARA, GOODBYE._replace(transfers=2), on.PersonWanted())
    assert state.phase is Phase.NOTIFYING
    assert do.Deliver(1) in done


def test_who_has_been_put_through_as_often_as_may_be_hears_how_the_message_stands_and_goodbye() -> None:
    late = GOODBYE._replace(transfers=2, note="accepted", notes=1, evidence="message_accepted")
    state, done = play(CLARA, late, on.PersonWanted())
    assert state.speech == ("no_answer", "notified", "goodbye")
    assert not any(isinstance(one, do.StartTimer) for one in done), "the last words end"
    again, nothing = play(CLARA, state, on.PersonWanted())
    assert (again, nothing) == (state, [])


def test_who_is_being_told_hears_it_to_its_end_and_is_put_through_then() -> None:
    telling = GOODBYE._replace(speech=("notified", "goodbye"), note="accepted", notes=1)
    state, done = play(CLARA, telling, on.PersonWanted())
    assert do.Hush() not in done
    assert state.speech == ("notified",)
    state, done = play(CLARA, state, on.Said("notified"))
    assert do.Dial("human-1", 0, 25) in done


def test_without_anybody_to_dial_or_to_write_to_the_caller_hears_where_to_call() -> None:
    state, _ = play(BASIC, GOODBYE._replace(allowed=()), on.PersonWanted())
    assert state.speech == ("no_person", "goodbye")
    assert state.owed, "the promise stays open"


@pytest.mark.parametrize("speech", [("goodbye",), ("notified", "goodbye")])
def test_a_message_left_in_the_goodbye_is_sent(speech: tuple[str, ...]) -> None:
    late = GOODBYE._replace(speech=speech, note="accepted", notes=1, evidence="message_accepted")
    _, done = play(CLARA, late, on.MessageGiven(), *(on.Said(key) for key in speech))
    assert do.Deliver(2) in done


def test_a_message_left_while_being_told_is_sent_when_the_caller_hangs_up_before_its_turn() -> None:
    telling = CallState(
        phase=Phase.CONVERSING, speech=("notified",), then="converse", note="accepted", notes=1,
        evidence="message_accepted", timers=frozenset({"call"}),
    )  # fmt: skip
    _, done = play(CLARA, telling, on.MessageGiven(), on.CallerLeft())
    assert do.Deliver(2) in done


def test_a_voice_that_hangs_in_what_must_be_heard_does_not_hold_the_call_for_ever() -> None:
    telling = CallState(
        phase=Phase.CONVERSING, allowed=(0,), speech=("failed",), then="converse", note="failed", notes=1,
        owed=True, timers=frozenset({"call"}),
    )  # fmt: skip
    state, _ = play(CLARA, telling, on.PersonWanted(), on.TimerFired("call"), on.TimerFired("end"))
    assert state.phase is Phase.ENDED
    assert state.owed, "the dead message says so"


@pytest.mark.parametrize("nudges", [0, 1])
@pytest.mark.parametrize(("heard", "evidence"), [(True, True), (False, False)])
def test_a_successor_whose_goodbye_was_not_heard_leaves_the_promise_open(
    nudges: int, heard: bool, evidence: bool
) -> None:
    state, done = play(CLARA, GOODBYE._replace(nudges=nudges), on.Resumed(), on.Said("goodbye", heard))
    assert state.phase is Phase.ENDED
    assert any(isinstance(one, do.Close) for one in done) is evidence


@pytest.mark.parametrize("phase", [Phase.GREETING, Phase.CONVERSING, Phase.CLOSING])
def test_a_caller_who_hangs_up_before_they_hear_the_successor_has_withdrawn_nothing(phase: Phase) -> None:
    state, done = play(CLARA, CallState(phase=phase), on.Resumed(), on.CallerLeft())
    assert state.phase is Phase.ENDED
    assert not any(isinstance(one, do.Close) for one in done)


def test_a_caller_whose_first_process_died_unseen_has_withdrawn_nothing_either() -> None:
    state, done = play(CLARA, CallState(), on.Resumed(), on.Arrived(allowed=(0,)), on.CallerLeft())
    assert state.phase is Phase.ENDED
    assert do.Close("withdrew") not in done


def test_who_has_heard_the_successor_may_withdraw_again() -> None:
    talking = CallState(phase=Phase.CONVERSING)
    _, done = play(CLARA, talking, on.Resumed(), on.Said("resumed"), on.CallerLeft())
    assert do.Close("withdrew") in done


def test_a_goodbye_that_is_repeated_never_dials_more_than_twice() -> None:
    state, done = GOODBYE, []
    for _ in range(6):
        events = (on.PersonWanted(), on.GoodbyeWanted())
        state, more = play(TRANSFER, state, *events)
        done += more
    assert sum(isinstance(one, do.Dial) for one in done) == 2
