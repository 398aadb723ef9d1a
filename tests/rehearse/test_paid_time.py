"""Where money is counted: a paid talk is not cut off by the clock of the paid time, and it ends with the money."""

from __future__ import annotations

from typing import Any

from callisi_runtime.plan import CallPlan

from .kit import PERSON, outcome_of, plan_of

PRICES = {"minute": "0.04 EUR", "turn": "0.02 EUR", "forward_minute": "0.10 EUR", "message": "0.12 EUR"}
CHAT = ["/wait 18s", "Und dann?"] * 50
"""Some 18 minutes of talk, in which nobody is silent for so long that the person hangs up."""


def limited(per_call: str) -> CallPlan:
    limits: dict[str, Any] = {"max_minutes": 1, "cost": {"per_call": per_call, **PRICES}}
    return plan_of(limits=limits)


async def test_a_talk_that_is_paid_lasts_longer_than_the_time_with_the_agent() -> None:
    plan = limited("30 EUR")
    assert plan.flow.budget is not None
    call = await outcome_of([PERSON, *CHAT, "/staff hangup"], plan, staff="answers")
    assert call["outcome"] == "accepted"
    assert call["unsaid"] == 0
    assert call["seconds"] > plan.flow.budget.seconds + 60


async def test_a_talk_ends_with_the_last_minute_that_is_paid() -> None:
    # 14 minutes of line, four messages, one answer, a telephone that is picked up, and three minutes of talk
    call = await outcome_of([PERSON, *CHAT], limited("1.60 EUR"), staff="answers")
    assert call["outcome"] == "accepted"
    assert call["unsaid"]
    assert 3 * 60 - 6 < call["seconds"] < 3 * 60 + 20
