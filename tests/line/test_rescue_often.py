"""A call loses its process again and again: two losses are survived, and in the end the caller is not left alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from .kit.refer import referred, report
from .rescue import lose, measured
from .visit import ring

if TYPE_CHECKING:
    from .kit.phone import Phone
    from .reception import Reception

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = "name: often\nbusiness: {emergency: +49 30 23125112}"


async def test_two_in_a_row(reception: Reception, caller_phone: Phone) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    await lose(visit)
    second = await lose(visit, epoch=1)
    await second.back("resumed")
    await visit.calling.hang_up()
    await visit.ended()
    await visit.nothing_left()
    measured(reception, **visit.notes)


async def test_the_caller_of_a_call_that_kills_every_process_goes_to_the_emergency_number(
    reception: Reception, caller_phone: Phone
) -> None:
    visit = await ring(reception, caller_phone)
    await visit.hears("greeting")
    for epoch in range(5):
        loss = await lose(visit, epoch=epoch)
    request = await referred(visit.calling, 15)
    at = time.monotonic()
    assert "+493023125112" in request["Refer-To"]
    caller_phone.respond(visit.calling, request, 202)
    await report(visit.calling, 200)
    await visit.calling.over()
    await visit.nothing_left()
    measured(reception, referred=at - loss.at)
