"""The real Twilio library, pointed at the loopback."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from callisi_runtime.notify.twilio_client import twilio_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from callisi_runtime.loopback.twilio import TwilioServer


async def call(server: TwilioServer, act: Callable[[Any], Any], *, timeout: float = 5.0) -> Any:
    """The library blocks, so it works in a thread."""
    client = twilio_client(server.account_sid, server.auth_token, api_base=server.api_base, timeout=timeout)
    try:
        return await asyncio.to_thread(act, client)
    finally:
        client.http_client.session.close()
