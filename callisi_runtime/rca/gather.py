"""Asking everybody about one call. Whoever does not answer is named, and the rest is told without them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from callisi_runtime.errors import CallisiError
from callisi_runtime.rca.evidence import Evidence

if TYPE_CHECKING:
    from callisi_runtime.carrier.own import Own
    from callisi_runtime.carrier.records import CarrierAlert, CarrierCall, CarrierMessage
    from callisi_runtime.settings import Settings

T = TypeVar("T")

ASK_SECONDS = 10.0
MOST_ALERTS = 1000
BEFORE = 300.0
"""Seconds before the call's begin from which alerts are read: a call that did not come in is older than its row."""


async def gather(known: Evidence, own: Own, settings: Settings) -> Evidence:
    """The ledger's part, completed by what Twilio and LiveKit say.

    Args:
        known: What the ledger holds of the call.
        own: The sids of this call and its messages.
        settings: Where the two are.
    """
    twilio, livekit = await asyncio.gather(_twilio(known, own, settings), _livekit(known, settings))
    silent = [one for one in (twilio, livekit) if isinstance(one, str)]
    found = replace(known, not_asked=(*known.not_asked, *silent))
    if not isinstance(twilio, str):
        legs, messages, alerts, gaps = twilio
        found = replace(
            found, legs=legs, messages=messages, alerts=alerts, not_asked=(*found.not_asked, *gaps)
        )
    if not isinstance(livekit, str):
        found = replace(found, room=livekit[0], outbound_trunks=livekit[1])
    return found


Twilio = tuple[Sequence["CarrierCall"], Sequence["CarrierMessage"], Sequence["CarrierAlert"], Sequence[str]]


async def _twilio(known: Evidence, own: Own, settings: Settings) -> Twilio | str:
    if not settings.twilio_account_sid or not settings.twilio_auth_token:
        return "Twilio: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set"
    try:
        return await asyncio.to_thread(_ask_twilio, known, own, settings)
    except CallisiError as error:
        return f"Twilio: {error}"


def _ask_twilio(known: Evidence, own: Own, settings: Settings) -> Twilio:
    from callisi_runtime.carrier import records
    from callisi_runtime.carrier.ask import NotAnswered, asked, client_of

    client = client_of(settings, timeout=ASK_SECONDS)
    gaps: list[str] = []

    def one(sid: str, fetch: Callable[[], T]) -> T | None:
        try:
            return asked(client, lambda _: fetch())
        except NotAnswered as error:
            if error.status != 404:
                raise
            gaps.append(f"Twilio: it no longer has {sid}")
            return None

    try:
        legs = [one(sid, lambda sid=sid: records.read_call(client.calls(sid).fetch())) for sid in own.calls]  # type: ignore[misc]
        sent = [
            one(sid, lambda sid=sid: records.read_message(client.messages(sid).fetch()))  # type: ignore[misc]
            for sid in own.messages
        ]
        since = known.call.started - BEFORE
        alerts = asked(client, lambda it: records.newest(records.alerts(it, since), MOST_ALERTS))
    finally:
        client.http_client.session.close()
    if not known.call.carrier_id:
        gaps.append("Twilio: the caller's leg, because the line did not tell its call sid")
    about = {*own.calls, *own.messages}
    return (
        [leg for leg in legs if leg is not None],
        [message for message in sent if message is not None],
        [alert for alert in reversed(alerts) if alert.about in about],
        gaps,
    )


async def _livekit(known: Evidence, settings: Settings) -> tuple[bool, int] | str:
    import aiohttp
    from livekit import api

    url, key, secret = settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret
    if not url or not key or not secret:
        return "LiveKit: LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not all set"
    timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
    try:
        async with api.LiveKitAPI(
            url.replace("ws", "http", 1), key, secret, timeout=timeout, failover=False
        ) as lk:
            rooms, trunks = await _both(
                lk.room.list_rooms(api.ListRoomsRequest(names=[known.call.room])),
                lk.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest()),
            )
    except api.ServerError as error:
        return f"LiveKit: it answers {error.code} ({error.status})"
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return "LiveKit: it does not answer; check LIVEKIT_URL"
    return bool(rooms.rooms), len(trunks.items)


async def _both(first: Awaitable[Any], second: Awaitable[Any]) -> tuple[Any, Any]:
    one, other = await asyncio.gather(first, second)
    return one, other
