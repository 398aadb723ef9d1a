"""Twilio's refusals and silences, each as one sentence, in the one place from which every command has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from callisi_runtime.carrier.ask import NotAnswered, asked, client_of, refusal
from callisi_runtime.errors import CallisiError
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.settings import Settings


def settings(server: TwilioServer) -> Settings:
    return Settings(
        twilio_account_sid=server.account_sid,
        twilio_auth_token=server.auth_token,
        twilio_api_base=server.api_base,
    )


async def refused(known: Settings, question: Callable[[Any], Any], *, timeout: float = 10.0) -> NotAnswered:
    client = client_of(known, timeout=timeout)
    try:
        with pytest.raises(NotAnswered) as caught:
            await asyncio.to_thread(asked, client, question)
    finally:
        client.http_client.session.close()
    return caught.value


FAULTS = [
    ("status:401", "Twilio refuses the credentials (401)", "TWILIO_AUTH_TOKEN", "twilio-401", False),
    ("status:403", "Twilio forbids it (403)", "a suspended account", "twilio-403", False),
    ("status:404", "Twilio does not find it (404)", "TWILIO_ACCOUNT_SID", "twilio-404", False),
    ("status:429", "Twilio has had too many requests (429)", "wait a minute", "twilio-429", True),
    ("status:500", "Twilio has a fault of its own (500)", "status.twilio.com", "twilio-500", True),
    ("status:503", "Twilio has a fault of its own (503)", "status.twilio.com", "twilio-503", True),
    ("hang", "Twilio does not answer within 0.5 s", "status.twilio.com", "twilio-silent", True),
    ("hang_mid", "Twilio does not answer", "network", "twilio-silent", True),
    ("drop", "Twilio does not answer", "TWILIO_API_BASE", "twilio-silent", True),
    ("drop_mid", "Twilio does not answer", "TWILIO_API_BASE", "twilio-silent", True),
]
QUESTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "one": ("account", lambda client: client.api.v2010.accounts(client.username).fetch()),
    "many": ("trunk_list", lambda client: client.trunking.v1.trunks.list()),
}
"""The library has an exception of its own for lists."""


@pytest.mark.parametrize("kind", QUESTIONS)
@pytest.mark.parametrize(("fault", "what", "mend", "slug", "passes"), FAULTS)
async def test_each_way_of_not_answering_is_one_sentence(
    kind: str, fault: str, what: str, mend: str, slug: str, passes: bool
) -> None:
    operation, question = QUESTIONS[kind]
    async with TwilioServer() as server:
        server.faults.add(operation, fault)
        found = await refused(settings(server), question, timeout=0.5 if "hang" in fault else 10.0)
    assert found.what.startswith(what)
    assert mend in found.mend
    assert (found.slug, found.passes) == (slug, passes)
    [problem] = found.problems
    assert str(problem) == f"{found.what}; {found.mend}"


@pytest.mark.parametrize(
    ("status", "code", "what", "slug"),
    [
        (400, 21631, "Twilio refuses: the number needs an address (21631)", "twilio-21631"),
        (403, 20008, "Twilio refuses: these are test credentials (20008)", "twilio-20008"),
        (400, 60200, "Twilio refuses (60200)", "twilio-60200"),
        (400, None, "Twilio refuses (400)", "twilio-400"),
        (503, 21631, "Twilio has a fault of its own (503)", "twilio-503"),
    ],
)
def test_a_code_says_more_than_a_status(status: int, code: int | None, what: str, slug: str) -> None:
    found = refusal(status, code, "words")
    assert (found.what, found.slug, found.words) == (what, slug, "words")


@pytest.mark.parametrize("question", [one for _, one in QUESTIONS.values()])
async def test_a_page_of_a_proxy_is_no_answer(question: Callable[[Any], Any]) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>Please log in</html>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    known = Settings(
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token="token",
        twilio_api_base=f"http://127.0.0.1:{runner.addresses[0][1]}",
    )
    try:
        found = await refused(known, question)
    finally:
        await runner.cleanup()
    assert (found.what, found.passes) == ("Twilio's answer cannot be read", False)
    assert "proxy" in found.mend


def test_without_an_account_nobody_is_asked() -> None:
    with pytest.raises(CallisiError, match="TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set"):
        client_of(Settings())


def test_how_long_an_answer_may_take_is_a_setting() -> None:
    known = Settings.from_environ(
        {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t", "CALLISI_PATIENCE_SECONDS": "3"}
    )
    assert client_of(known).http_client.timeout == 3
    usual = Settings(twilio_account_sid="AC1", twilio_auth_token="t")
    assert client_of(usual).http_client.timeout == 10
    assert client_of(known, timeout=1.5).http_client.timeout == 1.5
