"""What tests of a transfer judge in common: the message to staff, the talk, who hears whom."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from callisi_runtime.flow.model import OUTCOME_WORDS, Outcome
from callisi_runtime.phone import written

from .kit.call import CallFailed
from .visit import signs_of

if TYPE_CHECKING:
    from callisi_runtime.ledger.values import NoteRow

    from .kit.call import Call
    from .kit.hearing import Span
    from .reception import Ended
    from .visit import Visit


async def staff_was_told(visit: Visit, ended: Ended, outcome: Outcome) -> None:
    """One message, with the outcome in words and the reference; the ledger has it, and the promise is kept."""
    row = await note_of(visit, ended)
    body = body_of(visit, row)
    assert OUTCOME_WORDS[outcome] in body
    assert written(visit.caller) in body
    assert row.accepted is not None
    call = await visit.reception.ledger.call(ended.call_id)
    assert call is not None
    assert call.outcome == outcome
    assert (await visit.obligation(ended)).evidence == "message_accepted"


async def nothing_was_sent(visit: Visit, ended: Ended) -> None:
    """No message went out: every one that was armed is cancelled."""
    for row in await visit.reception.ledger.notifications(call_id=ended.call_id):
        assert row.state == "cancelled"
        assert not [one for one in visit.reception.messages if row.note.reference in one.form["Body"]]


async def note_of(visit: Visit, ended: Ended) -> NoteRow:
    """The one message of this call that was not cancelled."""
    rows = await visit.reception.ledger.notifications(call_id=ended.call_id)
    (row,) = [row for row in rows if row.state != "cancelled"]
    return row


def body_of(visit: Visit, row: NoteRow) -> str:
    """What Twilio was given for this note, with its reference; exactly one message."""
    (message,) = [one for one in visit.reception.messages if row.note.reference in one.form["Body"]]
    return str(message.form["Body"])


async def until_sign(call: Call, party: str, timeout: float = 5.0) -> Span:
    """Wait until this party's sign is heard. Raises CallFailed."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        for span in await asyncio.to_thread(lambda: signs_of(call.audio())):
            if span.name == party:
                return span
        await asyncio.sleep(0.05)
    raise CallFailed(f"the sign of {party} was not heard within {timeout} s; {call!r}")


async def until_sound(call: Call, timeout: float = 5.0) -> None:
    """Wait until anything is heard: where what it is, is another test's question. Raises CallFailed."""
    until = time.monotonic() + timeout
    while not await asyncio.to_thread(call.speech_spans):
        if time.monotonic() > until:
            raise CallFailed(f"nothing was heard within {timeout} s; {call!r}")
        await asyncio.sleep(0.05)
