from __future__ import annotations

from typing import Any

from tests.rehearse.kit import PERSON, outcome_of, plan_of, said

TWO = {"channels": [{"sms": {"to": "+49 171 3920011"}}, {"email": {"to": "team@example.com"}}]}


def statuses(call: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["channel"], one["status"]) for one in call["notifications"]]


async def test_channels_are_tried_in_their_order_until_one_has_accepted() -> None:
    call = await outcome_of([PERSON], plan_of(fallback=TWO), providers={"sms": "21610"})
    assert statuses(call) == [("sms", "failed"), ("email", "delivered")]
    assert any("per E-Mail informiert" in text for text in said(call))


async def test_a_refusal_is_told_in_the_providers_own_code() -> None:
    call = await outcome_of([PERSON], providers={"sms": "21610"})
    assert call["notifications"][0]["error"].startswith("21610 ")


async def test_a_message_that_is_lost_after_all_opens_the_obligation_again() -> None:
    call = await outcome_of([PERSON], providers={"sms": "30006"})
    assert statuses(call) == [("sms", "failed")]
    assert call["obligations"] == [{"state": "open", "evidence": None}]


async def test_the_next_channel_mends_what_the_first_has_lost() -> None:
    call = await outcome_of([PERSON], plan_of(fallback=TWO), providers={"sms": "lost"})
    assert statuses(call) == [("sms", "failed"), ("email", "delivered")]
    assert call["obligations"][0]["state"] == "closed"


async def test_the_caller_who_leaves_early_is_still_owed_and_still_served() -> None:
    call = await outcome_of([PERSON, "/wait 27s", "/hangup"], providers={"sms": "slow 20s"})
    assert statuses(call) == [("sms", "delivered")]
    assert call["obligations"] == [{"state": "closed", "evidence": "message_accepted"}]


async def test_a_cancelled_message_is_never_shown() -> None:
    call = await outcome_of([PERSON, "Ach nein, doch nicht", "/hangup"])
    assert call["notifications"] == []


async def test_an_sms_is_shown_in_the_alphabet_it_is_sent_in() -> None:
    message = {"sms": {"to": "+49 171 3920011", "message": "„Rückruf“ an {{ caller.phone }} – bitte…"}}
    call = await outcome_of([PERSON], plan_of(fallback={"channels": [message]}))
    assert call["notifications"][0]["body"].startswith('"Rückruf" an 0152 28817386 - bitte...')
