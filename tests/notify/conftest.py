"""A ledger in memory, a loopback Twilio, and notifications to send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callisi_runtime.ledger import CallRow, Ledger, Note, NoteRow, Step, reference_for
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.notify import NotifySettings, Pace, Sender, build_channels

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STAFF = "+4917012345678"
OFFICE = "+4930123456"
QUICK = Pace(lease=20.0, poll=0.05, rest=0.05, looks=2, base=0.02, cap=0.1)


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(clock: Clock) -> AsyncIterator[Ledger]:
    opened = Ledger("sqlite://", clock=clock)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioServer]:
    async with TwilioServer() as server:
        yield server


@pytest.fixture
def settings(twilio: TwilioServer) -> NotifySettings:
    return NotifySettings(
        twilio_account_sid=twilio.account_sid,
        twilio_auth_token=twilio.auth_token,
        twilio_api_base=twilio.api_base,
        sms_from=OFFICE,
        whatsapp_from=OFFICE,
        timeout=0.5,
    )


@pytest.fixture
def sender(ledger: Ledger, settings: NotifySettings) -> Sender:
    return Sender(ledger, build_channels(settings), pace=QUICK)


def step(channel: str = "sms", to: str = STAFF, **rest: Any) -> Step:
    return Step(channel, to, **rest)


def note(*route: Step, texts: list[object] | None = None, call_id: str = "call-1") -> Note:
    note_id = f"{call_id}:no_answer"
    return Note(
        id=note_id,
        call_id=call_id,
        agent="clara",
        body={
            "texts": texts if texts is not None else ["Clara: Bitte Rückruf an +4930777"],
            "facts": {"caller": "+4930777", "outcome": "no_answer"},
        },
        route=route or (step(),),
        reference=reference_for(note_id),
        created=1_800_000_000.0,
    )


async def due(ledger: Ledger, given: Note) -> Note:
    """The notification of a call that nobody took, ready to be sent."""
    await ledger.begin_call(CallRow(given.call_id, "clara", "+4930777", ledger.clock(), "call-abc"))
    await ledger.arm(given, due_in=0)
    await ledger.settle(given.call_id, outcome="no_answer", send=True)
    return given


async def seen(ledger: Ledger, given: Note) -> NoteRow:
    row = await ledger.notification(given.id)
    assert row is not None
    return row
