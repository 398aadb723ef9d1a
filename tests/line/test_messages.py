"""Nobody is in the house, or nobody picks up: what the caller says it is about reaches staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callisi_runtime.flow.model import Outcome

from .checks import body_of, note_of, staff_was_told
from .reception import SUBJECT
from .visit import ring

if TYPE_CHECKING:
    from .kit.phone import Phone
    from .reception import Reception

pytestmark = [pytest.mark.line("espeak-ng"), pytest.mark.asyncio(loop_scope="module")]

AGENT = """
name: closed
hours: {open: {mo-su: 03:00-03:01}}
fallback: {ask_message: true}
"""


async def test_outside_the_hours_nobody_is_dialled_and_the_message_arrives(
    reception: Reception, caller_phone: Phone, staff: Phone
) -> None:
    visit = await ring(reception, caller_phone)
    await visit.greeted()
    await visit.ask()
    await visit.hears("closed")
    await visit.hears("ask_message")
    await visit.ask(SUBJECT)
    await visit.hears("noted")
    await visit.hears("notified")
    await visit.calling.hang_up()
    ended = await visit.ended()
    assert not staff.calls
    await staff_was_told(visit, ended, Outcome.CLOSED)
    row = await note_of(visit, ended)
    assert SUBJECT in body_of(visit, row)
    await visit.nothing_left()
