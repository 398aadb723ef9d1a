"""The Twilio library as Callisi sets it up, against the loopback Twilio."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from callisi_runtime.errors import UsageError
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.notify.twilio_client import twilio_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SID = "SM" + "0" * 32


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioServer]:
    async with TwilioServer() as server:
        yield server


async def test_every_request_goes_to_the_given_origin_under_its_own_name(twilio: TwilioServer) -> None:
    client = twilio_client(twilio.account_sid, twilio.auth_token, api_base=twilio.api_base + "/")
    await asyncio.to_thread(client.messages.list)
    for unknown in (client.trunking.v1.trunks("TK" + "0" * 32), client.lookups.v2.phone_numbers("+49301")):
        with pytest.raises(TwilioRestException, match="404"):
            await asyncio.to_thread(unknown.fetch)
    client.http_client.session.close()
    hosts = [entry.headers["host"] for entry in twilio.log.entries]
    assert hosts == ["api.twilio.com", "trunking.twilio.com", "lookups.twilio.com"]


async def test_it_gives_up_after_its_timeout_and_asks_only_once(twilio: TwilioServer) -> None:
    twilio.faults.add("message_fetch", "hang")
    client = twilio_client(twilio.account_sid, twilio.auth_token, api_base=twilio.api_base, timeout=0.2)
    with pytest.raises(requests.Timeout):
        await asyncio.to_thread(client.messages(SID).fetch)
    client.http_client.session.close()
    assert len(twilio.log.entries) == 1


async def test_the_timeout_is_ten_seconds_unless_said_otherwise() -> None:
    client = twilio_client("AC" + "0" * 32, "t")
    assert client.http_client.timeout == 10.0
    client.http_client.session.close()


@pytest.mark.parametrize(
    "wrong", ["127.0.0.1:8090", "ftp://host", "http://host/path", "http://host?x=1", "http://"]
)
def test_an_api_base_that_is_no_origin_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(UsageError, match="TWILIO_API_BASE is not an origin") as caught:
        twilio_client("AC" + "0" * 32, "t", api_base=wrong)
    assert "http://127.0.0.1:8090" in str(caught.value)


def test_importing_the_module_does_not_import_the_library() -> None:
    code = "import sys, callisi_runtime.notify.twilio_client; sys.exit('twilio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
