"""Status callbacks over HTTP: Twilio's own are taken, everything else is refused and counted."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import pytest
import uvicorn

from callisi_runtime.ledger import CallRow, Ledger, Note, Step, reference_for
from callisi_runtime.loopback.twilio import ACCOUNT_SID, AUTH_TOKEN, TwilioServer, signature
from callisi_runtime.notify import NotifySettings, Sender, build_channels
from callisi_runtime.web.receipts import MAX_BODY, Receipts, receipts_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOTE = "call-1:no_answer"
STAFF = "+4917012345678"
FORM = {"MessageSid": "SM1", "MessageStatus": "delivered", "ErrorCode": ""}


@dataclass
class Site:
    ledger: Ledger
    receipts: Receipts
    url: str

    async def post(self, query: str = "?n=call-1:no_answer&s=0", **changes: object) -> int:
        """A genuine callback, unless `form`, `headers` or `body` say otherwise."""
        form = changes.get("form", FORM)
        assert isinstance(form, dict)
        headers = {"X-Twilio-Signature": signature(AUTH_TOKEN, self.url + query, form)}
        given = changes.get("headers", headers)
        assert isinstance(given, dict)
        body = changes.get("body", form)
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + query, data=body, headers=given) as answer,
        ):
            return answer.status


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    ledger = Ledger("sqlite://")
    await ledger.open()
    await ledger.begin_call(CallRow("call-1", "clara", None, ledger.clock(), "room"))
    route = (Step("sms", STAFF), Step("sms", "+4917099999999"))
    body = {"texts": ["Bitte Rückruf"]}
    await ledger.arm(Note(NOTE, "call-1", "clara", body, route, reference_for(NOTE)), due_in=0)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/twilio/status"
        app = receipts_app(ledger, ["0" * 32, AUTH_TOKEN], url)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield Site(ledger, app.state.receipts, url)
        server.should_exit = True
        await serving
    await ledger.close()


async def waiting(site: Site) -> None:
    (row,) = await site.ledger.claim(1, lease=60)
    await site.ledger.taken(row, "SM1", poll_in=600)


async def state(site: Site) -> tuple[str, int]:
    row = await site.ledger.notification(NOTE)
    assert row is not None
    return row.state, row.step


async def test_the_whole_way_from_sending_to_the_report(site: Site) -> None:
    async with TwilioServer(pace=0.02, send_callbacks=True) as twilio:
        twilio.will(STAFF, "sent", "undelivered", error_code=30005)
        settings = NotifySettings(
            twilio_account_sid=ACCOUNT_SID,
            twilio_auth_token=AUTH_TOKEN,
            twilio_api_base=twilio.api_base,
            sms_from="+4930123456",
            status_callback_url=site.url,
        )
        sender = Sender(site.ledger, build_channels(settings))
        await sender.drain()
        await twilio.log.wait_for("callback", count=2)
        await sender.drain()
        await twilio.log.wait_for("callback", count=4)
        assert await state(site) == ("done", 1)
        assert [m.to for m in twilio.messages.values()] == [STAFF, "+4917099999999"]
        assert twilio.log.of("message_fetch") == [], "whoever is told need not ask"


async def test_a_genuine_report_is_taken_and_a_replayed_one_changes_nothing(site: Site) -> None:
    await waiting(site)
    assert [await site.post() for _ in range(3)] == [204, 204, 204]
    assert await state(site) == ("done", 0)
    assert site.receipts.counts == {"applied": 1, "repeated": 2}


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": "bm90IGl0"}, {"X-Twilio-Signature": "ä"}],
)
async def test_a_forged_report_is_refused(site: Site, headers: dict[str, str]) -> None:
    await waiting(site)
    assert await site.post(headers=headers) == 403
    assert await state(site) == ("waiting", 0)
    assert site.receipts.counts == {"forged": 1}


async def test_a_genuine_report_bent_to_another_notification_is_refused(site: Site) -> None:
    await waiting(site)
    genuine = {"X-Twilio-Signature": signature(AUTH_TOKEN, site.url + "?n=call-2:x&s=0", FORM)}
    assert await site.post(headers=genuine) == 403
    assert await site.post(headers=genuine, form=FORM | {"MessageStatus": "failed"}) == 403
    assert await state(site) == ("waiting", 0)


@pytest.mark.parametrize(
    "query", ["", "?n=&s=0", "?n=x", "?n=x&s=-1", "?n=x&s=1e3", "?n=x&s=99999", f"?n={'x' * 300}&s=0"]
)
async def test_a_report_without_our_words_is_malformed(site: Site, query: str) -> None:
    assert await site.post(query) == 400
    assert site.receipts.counts == {"malformed": 1}


@pytest.mark.parametrize(
    "form", [{}, {"MessageSid": "SM1"}, {"MessageSid": "x" * 200, "MessageStatus": "sent"}]
)
async def test_a_report_that_says_nothing_is_malformed(site: Site, form: dict[str, str]) -> None:
    assert await site.post(form=form, body=aiohttp.FormData(form)()) == 400
    assert site.receipts.counts == {"malformed": 1}


async def test_json_and_broken_text_are_malformed(site: Site) -> None:
    assert await site.post(body=b"{}", headers={"Content-Type": "application/json"}) == 400
    urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await site.post(body=b"MessageSid=\xff", headers=urlencoded) == 400
    assert site.receipts.counts == {"malformed": 2}


async def test_a_flood_is_cut_off(site: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"a" * (MAX_BODY // 2)

    urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await site.post(body=b"a" * (MAX_BODY + 1), headers=urlencoded) == 413
    assert await site.post(body=endless(), headers=urlencoded) == 413
    assert site.receipts.counts == {"oversize": 2}


async def test_a_report_for_nobody_is_counted_and_not_repeated(site: Site) -> None:
    assert await site.post("?n=call-9:x&s=0") == 204
    assert await site.post("?n=call-1:no_answer&s=7") == 204
    assert site.receipts.counts == {"unknown": 2}
