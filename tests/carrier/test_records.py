"""Every question about records, from the real library to a Twilio that holds it against Twilio's own description."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from callisi_runtime.carrier import records
from callisi_runtime.carrier.ask import asked, client_of
from callisi_runtime.carrier.own import Own, OwnCall
from callisi_runtime.cost.actual import actual_cost
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.twilio_messages import Course, Message
from callisi_runtime.loopback.twilio_spec import SpecChecker, find_spec_folder
from callisi_runtime.settings import Settings

CALLER, OURS, STAFF = "+4915228817386", "+4930901820100", "+4930901820111"


def readers(call: str, message: str, alert: str) -> list[tuple[Callable[..., Any], str]]:
    """Each reader, and what it should find."""
    return [(records.calls, call), (records.messages, message), (records.alerts, alert)]


def newest(read: Callable[..., Any], since: float) -> Callable[[Any], list[str]]:
    """The sids that a reader finds."""
    return lambda client: [one.sid for one in records.newest(read(client, since), 10)]


async def test_what_logs_rca_and_the_bill_ask_stands_in_twilios_own_description() -> None:
    folder = find_spec_folder()
    if folder is None:
        pytest.skip("Twilio's OpenAPI files are absent: set CALLISI_TWILIO_OAI")
    async with TwilioServer(checker=SpecChecker(folder)) as server:
        parts: Any = server.parts
        sid = parts["calls"].add(CALLER, OURS, price="-0.0085")["sid"]
        alert = parts["alerts"].add(32011, resource_sid=sid)["sid"]
        parts["usage"].add("totalprice", "0.0085")
        form = {"To": STAFF, "From": OURS, "Body": "Bitte Rückruf"}
        message = Message(server.account_sid, form, Course(("delivered",)), passed=1, price="-0.09")
        server.messages[message.sid] = message
        client = client_of(
            Settings(
                twilio_account_sid=server.account_sid,
                twilio_auth_token=server.auth_token,
                twilio_api_base=server.api_base,
            ),
            timeout=60.0,
        )
        since = time.time() - 3600

        async def ask(question: Callable[[Any], Any]) -> Any:
            return await asyncio.to_thread(asked, client, question)

        try:
            for read, wanted in readers(sid, message.sid, alert):
                assert await ask(newest(read, since)) == [wanted]
            assert (await ask(lambda it: records.read_call(it.calls(sid).fetch()))).sid == sid
            fetched = await ask(lambda it: records.read_message(it.messages(message.sid).fetch()))
            assert fetched.status == "delivered"
            own = Own({sid: OwnCall("SCL_1", "clara", None)})
            paid = await asyncio.to_thread(actual_cost, client, own, since)
        finally:
            client.http_client.session.close()
        assert (str(paid.total), paid.calls.records) == ("0.0085 USD", 1)
        operations = {one.operation for one in server.log.entries}
        assert operations == {
            "call_list",
            "call_fetch",
            "message_list",
            "message_fetch",
            "alert_list",
            "usage_list",
        }
        assert server.violations == []
