"""Whatever is said and whatever fails: the call ends, the caller hears the truth, and nothing owed is forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callisi_runtime.rehearse.providers import CHANNELS
from callisi_runtime.rehearse.staff import BEHAVIOURS
from tests.rehearse.kit import PERSON, outcome_of, plan_of

WORDS = [
    *(PERSON, "Guten Tag", "Was kostet das?", "Sind Sie ein Mensch?"),
    *("Ach nein, doch nicht", "Danke", "Auf Wiederhören"),
]
ACTS = [
    "/hangup",
    "/press 1",
    "/wait 1s",
    "/wait 9s",
    "/wait 40s",
    "/provider llm down",
    "/provider stt down",
]
LINES = st.sampled_from(
    [
        *WORDS,
        *ACTS,
        *(f"/staff {one}" for one in BEHAVIOURS),
        *(f"/provider sms {mode}" for mode in ("up", "503", "21610", "lost", "slow 12s")),
    ]
)
PLANS = [
    plan_of(),
    plan_of("variants/basic.yaml"),
    plan_of(fallback={"ask_message": True}),
    plan_of(transfer={"while_ringing": "ask", "after": "return"}),
    plan_of(transfer={"order": "at_once", "to": ["+49 30 23125111", "+49 30 23125112"]}),
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(LINES, max_size=8),
    plan=st.sampled_from(PLANS),
    staff=st.sampled_from(BEHAVIOURS),
    caller=st.sampled_from(["+49 1522 8817386", "hidden", "+49 30 23125111"]),
)
def test_any_call(lines: list[str], plan: Any, staff: str, caller: str) -> None:
    raw = "anonymous" if caller == "hidden" else caller
    call = asyncio.run(outcome_of(lines, plan, staff=staff, caller=raw))
    told = [line for line in call["transcript"] if line["who"] == "agent"]
    accepted = [one for one in call["notifications"] if one["status"] in ("accepted", "delivered")]
    taken = accepted or any(one["error"] for one in call["notifications"])
    assert told[0]["text"].startswith("Guten Tag, hier ist Clara")
    assert taken or not any("informiert" in line["text"] for line in told)
    [obligation] = call["obligations"]
    assert (obligation["state"] == "closed") == (obligation["evidence"] is not None)
    failed = [one for one in call["notifications"] if one["status"] == "failed"]
    if failed and not accepted and call["outcome"] != "accepted":
        assert obligation["state"] == "open" or obligation["evidence"] in (
            "served",
            "accepted_by_person",
            "withdrew",
        )
    assert all(
        one["channel"] in CHANNELS and one["status"] in ("delivered", "failed")
        for one in call["notifications"]
    )
