"""Webhooks: signed by the published recipe, repeated under one key, and never redirected."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from callisi_runtime.notify import Reject, Retry
from callisi_runtime.notify.webhook import Webhook

from .conftest import Clock, note, step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "whsec_" + base64.b64encode(b"sixteen bytes ..").decode()


class Receiver:
    """Answers what it is told to, and keeps what it got."""

    def __init__(self) -> None:
        self.answers: list[web.Response] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(
            ({key.lower(): value for key, value in request.headers.items()}, await request.read())
        )
        return self.answers.pop(0) if self.answers else web.Response(status=204)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


async def test_the_receiver_can_prove_who_sent_it(receiver: Receiver, clock: Clock) -> None:
    given = note(step("webhook", to=receiver.url))
    sent = await Webhook(SECRET, clock=clock).send(given, given.route[0])
    ((headers, body),) = receiver.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"sixteen bytes ..", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == "1800000000"
    assert headers["webhook-id"] == headers["idempotency-key"] == "call-1:no_answer.0" == sent.sid
    assert sent.report == "none"


async def test_it_carries_the_facts(receiver: Receiver) -> None:
    given = note(step("webhook", to=receiver.url))
    await Webhook(SECRET).send(given, given.route[0])
    body = json.loads(receiver.got[0][1])
    assert body["text"] == "Clara: Bitte Rückruf an +4930777"
    assert body["facts"] == {"caller": "+4930777", "outcome": "no_answer"}
    assert (body["type"], body["call_id"], body["agent"]) == ("callisi.notification", "call-1", "clara")


async def test_without_a_secret_it_is_not_signed(receiver: Receiver) -> None:
    given = note(step("webhook", to=receiver.url))
    await Webhook(None).send(given, given.route[0])
    assert "webhook-signature" not in receiver.got[0][0]


@pytest.mark.parametrize(
    ("status", "headers", "raised", "after"),
    [
        (429, {"Retry-After": "3"}, Retry, 3.0),
        (503, {}, Retry, None),
        (410, {}, Reject, None),
        (302, {"Location": "http://127.0.0.1:9/"}, Reject, None),
    ],
)
async def test_each_answer_has_its_consequence(
    receiver: Receiver, status: int, headers: dict[str, str], raised: type[Exception], after: float | None
) -> None:
    receiver.answers = [web.Response(status=status, headers=headers)]
    given = note(step("webhook", to=receiver.url))
    with pytest.raises(raised) as caught:
        await Webhook(SECRET).send(given, given.route[0])
    assert getattr(caught.value, "after", None) == after


async def test_nobody_there_means_nothing_was_sent() -> None:
    given = note(step("webhook", to="http://127.0.0.1:9/"))
    with pytest.raises(Retry) as caught:
        await Webhook(SECRET).send(given, given.route[0])
    assert not caught.value.unknown
