"""What a caller still wants while goodbye is being said, and while they are being told something."""

from __future__ import annotations

import pytest

from callisi_runtime.flow import CallState, FlowPlan, Outcome, Phase, step
from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import Leg
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


SENDING = CallState(
    phase=Phase.NOTIFYING, allowed=(0,), transfers=1, note="sending", notes=1, owed=True, subject=True,
    timers=frozenset({"call", "patience", "word"}),
)  # fmt: skip
"""A message is on its way, and the caller waits for word of it."""


@pytest.mark.parametrize("word", [on.NoteAccepted(1, "sms"), on.NoteFailed(1), on.TimerFired("patience")])
def test_what_is_left_while_a_message_is_being_sent_goes_out_after_it(word: on.Event) -> None:
    state, done = play(CLARA, SENDING, on.DetailGiven(), word)
    assert do.Deliver(2) not in done, "the word about the first comes first"
    state, done = play(CLARA, state, on.Said(state.speech[-1]))
    assert do.Deliver(2) in done
    assert state.phase is Phase.NOTIFYING


def test_a_message_that_is_repeated_while_it_is_being_sent_is_no_second_one() -> None:
    assert play(CLARA, SENDING, on.MessageGiven()) == (SENDING, [])


def test_what_is_left_while_a_message_is_being_sent_goes_out_when_the_caller_hangs_up() -> None:
    _, done = play(CLARA, SENDING, on.DetailGiven(), on.CallerLeft())
    assert do.Deliver(2) in done


@pytest.mark.parametrize("meanwhile", [[], [on.Said("moment")]])
def test_who_asks_for_a_person_while_a_message_is_being_sent_is_put_through_after_the_word_of_it(
    meanwhile: list[on.Event],
) -> None:
    waiting = SENDING._replace(speech=("moment",))
    state, done = play(CLARA, waiting, on.PersonWanted(), *meanwhile, on.NoteAccepted(1, "sms"))
    assert not any(isinstance(one, do.Dial) for one in done)
    _, done = play(CLARA, state, on.Said("notified"))
    assert do.Dial("human-1", 0, 25) in done


def test_both_are_done_one_after_the_other() -> None:
    asked = on.PersonWanted(), on.DetailGiven(), on.NoteAccepted(1, "sms"), on.Said("notified")
    state, done = play(CLARA, SENDING, *asked, on.LegFailed("human-1", Outcome.BUSY))
    assert done.index(do.Dial("human-1", 0, 25)) < done.index(do.Deliver(2))
    assert not state.unsent


RINGING = CallState(
    phase=Phase.CONNECTING, allowed=(0,), transfers=2, note="accepted", notes=1, evidence="message_accepted",
    legs=(Leg("human-1", 0),), dialled=1, timers=frozenset({"call", "word", "ring:human-1"}),
)  # fmt: skip
"""It rings for the second time; staff knows of the first."""


@pytest.mark.parametrize(
    "end", [on.LegFailed("human-1", Outcome.BUSY), on.Withdrawn(), on.GoodbyeWanted(), on.CallerLeft()]
)
def test_what_is_left_while_it_rings_goes_out_unless_a_person_takes_the_call(end: on.Event) -> None:
    _, done = play(CLARA, RINGING, on.DetailGiven(), end)
    assert do.Deliver(2) in done
    taken = on.LegAnswered("human-1"), on.KeyPressed("1", "human-1"), on.CallerLeft()
    _, done = play(CLARA, RINGING, on.DetailGiven(), *taken)
    assert not any(isinstance(one, do.Deliver) for one in done)


def test_what_was_armed_for_the_dial_takes_what_is_left_while_it_rings() -> None:
    first = RINGING._replace(note="armed", evidence=None, owed=True)
    _, done = play(CLARA, first, on.DetailGiven(), on.Withdrawn())
    assert do.Deliver(1) in done


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
