"""Whole minutes, against examples reckoned by hand."""

from __future__ import annotations

from decimal import Decimal

from callisi_runtime.cost.mix import Mix, billed, minutes_of, spread, started_minutes


def seconds(*values: int) -> tuple[Decimal, ...]:
    return tuple(Decimal(value) for value in values)


def test_a_started_minute_is_a_whole_one() -> None:
    assert [started_minutes(Decimal(value)) for value in (0, 1, 59, 60, 61, 78, 120, 121)] == [
        0, 1, 1, 1, 2, 2, 2, 3,
    ]  # fmt: skip


def test_the_mean_is_taken_of_the_rounded_lengths_and_not_the_other_way_round() -> None:
    # 30 s, 90 s and 240 s are two minutes on average, and 1 + 2 + 4 = 7 billed minutes, 2.33 on average
    assert billed(seconds(30, 90, 240)) == Decimal(7) / 3


def test_a_hundred_calls_of_two_minutes_are_two_hundred_and_fifty_on_the_bill() -> None:
    assert 100 * billed(spread(Decimal(2))) == 250


def test_parts_of_one_leg_are_added_before_they_are_rounded() -> None:
    # 40 s with the agent, 15 s of ringing and 10 s with a person: 65 s, two minutes, not three
    assert billed(seconds(40), seconds(15), seconds(10)) == 2


def test_a_transfer_is_paid_for_on_both_legs() -> None:
    mix = Mix(
        calls=1, lengths=seconds(50), human=Decimal(1), answered=Decimal(1), mailbox=Decimal(0),
        ring=Decimal(15), talks=seconds(170),
    )  # fmt: skip
    found = minutes_of(mix)
    assert (int(found.caller), int(found.person)) == (4, 3)  # 235 s for the caller, 170 s for the person


def test_a_mailbox_that_picks_up_is_paid_for_and_a_telephone_that_rings_out_is_not() -> None:
    unanswered = Mix(
        calls=1,
        lengths=seconds(50),
        human=Decimal(1),
        answered=Decimal(0),
        mailbox=Decimal(0),
        talks=seconds(60),
    )
    assert minutes_of(unanswered).person == 0
    mailbox = Mix(
        calls=1,
        lengths=seconds(50),
        human=Decimal(1),
        answered=Decimal(0),
        mailbox=Decimal(1),
        talks=seconds(60),
    )
    assert minutes_of(mailbox).person == 1


def test_shares_are_of_the_share_before() -> None:
    mix = Mix(calls=100, lengths=seconds(60), human=Decimal("0.5"), answered=Decimal("0.2"))
    assert (mix.reached, mix.missed) == (Decimal("0.10"), Decimal("0.40"))
