from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from callisi_runtime.ledger import CallRow, Ledger
from callisi_runtime.loopback.twilio import TwilioServer

from .conftest import BEGAN, CALLER, STAFF, Office, Run, note_of

OURS = "+493023125100"


@pytest.fixture
def twilio(monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioServer]:
    """Twilio on loopback, in a thread of its own: the command has its own loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> TwilioServer:
        return await TwilioServer(pace=0.01).__aenter__()

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", server.account_sid)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", server.auth_token)
    monkeypatch.setenv("TWILIO_API_BASE", server.api_base)
    monkeypatch.setenv("TWILIO_PHONE_NUMBER", OURS)
    yield server
    asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def miss_a_call(ledger: Ledger) -> None:
    await ledger.begin_call(CallRow("SCL_1", "clara", CALLER, BEGAN, "call-1"))
    await ledger.arm(note_of("SCL_1"), due_in=40)
    await ledger.settle("SCL_1", outcome="rang_out", send=True)


def test_until_empty_sends_what_is_due(callisi: Run, office: Office, twilio: TwilioServer) -> None:
    office.do(miss_a_call)
    shown = callisi("deliver", "--until-empty", "--patience", "10", "--json")
    assert shown.code == 0
    assert shown.json["attempts"] >= 1
    assert (shown.json["dead"], shown.json["open_obligations"]) == (0, 0)
    (note,) = callisi("notifications", "--json").json["notifications"]
    assert note["state"] == "done"


def test_a_channel_that_is_not_set_up_leaves_a_dead_letter_and_fails(callisi: Run, office: Office) -> None:
    office.do(miss_a_call)
    shown = callisi("deliver", "--until-empty", "--patience", "0")
    assert shown.code == 1
    assert "1 dead, see `callisi notifications --dead`" in shown.out


def test_the_staffs_answers_are_fetched(callisi: Run, office: Office, twilio: TwilioServer) -> None:
    office.clock.now = time.time()
    office.do(miss_a_call)
    callisi("deliver", "--until-empty", "--patience", "10")
    asyncio.run(twilio.receives(STAFF, OURS, "1"))
    callisi("deliver", "--until-empty", "--patience", "10")
    assert callisi("calls", "SCL_1", "--json", "--numbers").json["call"]["obligation"]["claimed_by"] == STAFF
    assert [one.form["Body"][:6] for one in twilio.messages.values() if one.to == STAFF] == [
        "Bitte ",
        "Danke.",
    ]


def test_nothing_to_do_ends_at_once(callisi: Run, office: Office) -> None:
    async def nothing(_: Ledger) -> None: ...

    office.do(nothing)
    shown = callisi("deliver", "--until-empty")
    assert (shown.code, shown.out) == (0, "0 attempts, 0 open promises\n")
