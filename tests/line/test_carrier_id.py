"""Twilio's call sid, as the carrier sends it in its SIP headers, joins both legs of a call with Twilio's records."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from callisi_runtime.flow.model import Outcome

from .kit.lines import OUR_NUMBER, STAFF_NUMBER
from .rescue import until
from .visit import ring

if TYPE_CHECKING:
    from .kit.phone import Phone
    from .reception import Reception

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = """
name: joined
transfer: {accept: answer}
"""
CALLER = "+491713920022"
HEADER = "X-Twilio-CallSid"


async def callisi(reception: Reception, *arguments: str) -> Any:
    """The document that a command prints, run as a user of this reception's machine runs it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "callisi_runtime",
        *arguments,
        "--json",
        env=os.environ | reception.environment,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return json.loads(out)


@pytest.mark.parametrize("picked_up", [True, False], ids=["picked up", "busy"])
async def test_both_legs_are_joined_with_twilios_records(
    reception: Reception, caller_phone: Phone, staff: Phone, picked_up: bool
) -> None:
    records: Any = reception.loopback.twilio.parts["calls"]
    records.calls.clear()
    sid = records.add(CALLER, OUR_NUMBER)["sid"]
    person = records.add(OUR_NUMBER, STAFF_NUMBER, direction="trunking-terminating")["sid"]
    stranger = records.add("+4930999999", OUR_NUMBER)["sid"]

    visit = await ring(reception, caller_phone, headers=[(HEADER, sid)])
    await visit.greeted()
    await visit.ask()
    leg = await staff.rings(15)
    visit.staff_rings(leg)
    leg.respond(180, headers=[(HEADER, person)])
    if picked_up:
        await leg.answer(headers=[(HEADER, person)])
        await until(visit, "effect.Bridge")
    else:
        leg.reject(486, headers=[(HEADER, person)])
        await visit.hears("notified")
    await visit.calling.hang_up()
    ended = await visit.ended()
    assert ended.outcome == (Outcome.ACCEPTED if picked_up else Outcome.BUSY)
    await visit.nothing_left(leg)

    shown = {one["sid"]: one for one in (await callisi(reception, "logs", "calls"))["entries"]}
    assert (shown[sid]["call"], shown[sid]["leg"], shown[sid]["outcome"]) == (
        ended.call_id,
        None,
        ended.outcome,
    )
    assert (shown[person]["call"], shown[person]["leg"]) == (ended.call_id, "human-1")
    assert shown[stranger]["call"] is None

    story = await callisi(reception, "rca", ended.call_id)
    legs = [one["what"] for one in story["steps"] if one["source"] == "Twilio"]
    assert [any(one in what for what in legs) for one in (sid, person, stranger)] == [True, True, False]
    assert story["not_asked"] == []
