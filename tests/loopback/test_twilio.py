"""The real Twilio library against the loopback Twilio; all of it checked against Twilio's OpenAPI."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
import requests
from aiohttp import web
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator

from callisi_runtime.loopback.server import Server
from callisi_runtime.loopback.twilio import TwilioServer, basic_auth
from callisi_runtime.loopback.twilio_spec import SpecChecker, find_spec_folder
from callisi_runtime.notify.twilio_client import twilio_client
from tests.loopback.asking import call

STAFF, OFFICE = "+4915112345678", "+493012345678"
SPEC = find_spec_folder()
needs_spec = pytest.mark.skipif(
    SPEC is None, reason="Twilio's OpenAPI files are absent: set CALLISI_TWILIO_OAI"
)


async def send(server: TwilioServer, *, timeout: float = 5.0, **message: Any) -> Any:
    wanted = {"to": STAFF, "from_": OFFICE, "body": "Bitte Rückruf. Ref K7Q2"} | message
    return await call(server, lambda client: client.messages.create(**wanted), timeout=timeout)


async def refusal(server: TwilioServer, **message: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as caught:
        await send(server, **message)
    return caught.value.status, caught.value.code


async def test_a_message_is_queued_then_sent_then_delivered(twilio: TwilioServer) -> None:
    sent = await send(twilio, validity_period=1800)
    statuses = [sent.status]
    for _ in range(4):
        message = await call(twilio, lambda client: client.messages(sent.sid).fetch())
        statuses.append(message.status)
    assert statuses == ["queued", "queued", "sent", "delivered", "delivered"]
    assert twilio.log.of("sms")[0].body == {
        "To": STAFF,
        "From": OFFICE,
        "Body": "Bitte Rückruf. Ref K7Q2",
        "ValidityPeriod": "1800",
    }


async def test_the_request_keeps_its_host_and_the_log_no_secret(
    twilio: TwilioServer,
) -> None:
    await send(twilio)
    entry = twilio.log.of("sms")[0]
    assert entry.headers["host"] == "api.twilio.com"
    assert twilio.auth_token not in str(entry)
    assert "authorization" not in entry.headers


async def test_a_scripted_course_ends_with_its_error(twilio: TwilioServer) -> None:
    twilio.will(STAFF, "sent", "undelivered", error_code=30003)
    sent = await send(twilio)
    for _ in range(2):
        await call(twilio, lambda client: client.messages(sent.sid).fetch())
    message = await call(twilio, lambda client: client.messages(sent.sid).fetch())
    assert (message.status, message.error_code) == ("undelivered", 30003)
    assert (await send(twilio)).status == "queued"
    assert twilio.messages[sent.sid].course != twilio.messages[list(twilio.messages)[1]].course


async def test_messages_are_found_by_recipient_newest_first_over_several_pages(twilio: TwilioServer) -> None:
    sids = [(await send(twilio, body=f"Ref {n}")).sid for n in range(3)]
    await send(twilio, to="+4915199999999")
    found = await call(twilio, lambda client: client.messages.list(to=STAFF, page_size=2))
    assert [message.sid for message in found] == sids[::-1]


async def test_whatsapp_with_a_template(twilio: TwilioServer) -> None:
    await send(
        twilio,
        to=f"whatsapp:{STAFF}",
        from_=f"whatsapp:{OFFICE}",
        body=None,
        content_sid="HX" + "0" * 32,
        content_variables='{"1":"+49301"}',
    )
    assert [entry.operation for entry in twilio.log.entries] == ["whatsapp"]


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ({"to": "+15005550001"}, 400, 21211),
        ({"to": "+15005550002"}, 400, 21612),
        ({"to": "+15005550003"}, 403, 21408),
        ({"to": "+15005550004"}, 400, 21610),
        ({"to": "+15005550009"}, 400, 21614),
        ({"from_": "+15005550007"}, 400, 21606),
        ({"from_": f"whatsapp:{OFFICE}"}, 400, 21910),
        ({"body": "x" * 1601}, 400, 21617),
        ({"body": None}, 400, 21602),
        ({"to": OFFICE}, 400, 21211),
    ],
)
async def test_what_twilio_refuses_is_refused_with_its_code(
    twilio: TwilioServer, message: dict[str, Any], status: int, code: int
) -> None:
    assert await refusal(twilio, **message) == (status, code)
    assert twilio.messages == {}


async def test_a_wrong_token_and_an_unknown_message(twilio: TwilioServer) -> None:
    client = twilio_client(twilio.account_sid, "2" * 32, api_base=twilio.api_base)
    with pytest.raises(TwilioRestException) as wrong:
        await asyncio.to_thread(client.messages("SM" + "0" * 32).fetch)
    client.http_client.session.close()
    assert (wrong.value.status, wrong.value.code) == (401, 20003)
    with pytest.raises(TwilioRestException) as unknown:
        await call(twilio, lambda client: client.messages("SM" + "0" * 32).fetch())
    assert (unknown.value.status, unknown.value.code) == (404, 20404)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_scripted_status_comes_so_many_times(twilio: TwilioServer, status: int) -> None:
    twilio.faults.add("sms", f"status:{status}", times=2, headers={"Retry-After": "1"})
    for _ in range(2):
        assert (await refusal(twilio))[0] == status
    assert (await send(twilio)).status == "queued"
    assert len(twilio.messages) == 1


@pytest.mark.parametrize(
    ("fault", "error", "kept"),
    [
        ("hang", requests.Timeout, 0),
        ("slow:30", requests.Timeout, 0),
        ("drop", requests.ConnectionError, 0),
        ("drop_mid", requests.exceptions.ChunkedEncodingError, 1),
        ("hang_mid", requests.ConnectionError, 1),
        ("accept_then_hang", requests.Timeout, 1),
        ("accept_then_drop", requests.ConnectionError, 1),
    ],
)
async def test_what_was_done_before_the_line_broke(
    twilio: TwilioServer, fault: str, error: type[Exception], kept: int
) -> None:
    twilio.faults.add("sms", fault)
    with pytest.raises(error):
        await send(twilio, timeout=0.3)
    assert len(twilio.messages) == kept
    assert len(twilio.log.of("sms")) == 1, "nothing was repeated"


class Receiver(Server):
    """Takes callbacks and checks their signature with Twilio's own validator."""

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/status", self._status)]

    async def operation(self, request: web.Request) -> str:
        return "status"

    async def readable(self, request: web.Request) -> object:
        return {name: str(value) for name, value in (await request.post()).items()}

    async def _status(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        signature = request.headers["X-Twilio-Signature"]
        valid = RequestValidator("1" * 32).validate(f"{self.url}/status?ref=K7Q2", form, signature)
        return web.Response(status=204 if valid else 403)


async def test_status_callbacks_are_signed_and_come_in_order(checker: SpecChecker | None) -> None:
    async with Receiver() as receiver, TwilioServer(send_callbacks=True, checker=checker) as twilio:
        twilio.will("*", "sent", "failed", error_code=30008)
        await send(twilio, status_callback=f"{receiver.url}/status?ref=K7Q2")
        answered = await twilio.log.wait_for("callback", count=2)
        posts = receiver.log.of("status")
    assert [entry.body["answer"] for entry in answered if isinstance(entry.body, dict)] == [204, 204]
    forms = [entry.body for entry in posts if isinstance(entry.body, dict)]
    assert [(form["MessageStatus"], form.get("ErrorCode")) for form in forms] == [
        ("sent", None),
        ("failed", "30008"),
    ]


@needs_spec
@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"IdempotencyKey": "x"}, "IdempotencyKey"),
        ({"ValidityPeriod": "bald"}, "CastError"),
        ({"To": ""}, "To"),
        ({"StatusCallbackMethod": "CARRY"}, ""),
    ],
)
async def test_what_is_not_in_the_openapi_is_a_violation(
    checker: SpecChecker, http: aiohttp.ClientSession, form: dict[str, str], why: str
) -> None:
    async with TwilioServer(checker=checker) as server:
        url = f"{server.url}/2010-04-01/Accounts/{server.account_sid}/Messages.json"
        async with http.post(
            url,
            data={"To": STAFF, "From": OFFICE, "Body": "x"} | form,
            headers={
                "Host": "api.twilio.com",
                "Authorization": basic_auth(server.account_sid, server.auth_token),
            },
        ) as response:
            assert response.status == 400
        assert len(server.violations) == 1
        assert why in server.violations[0]
        assert STAFF not in server.violations[0]
