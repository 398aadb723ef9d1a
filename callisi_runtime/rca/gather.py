"""Asking everybody about one call. Whoever does not answer is named, and the rest is told without them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from callisi_runtime.errors import CallisiError
from callisi_runtime.rca.evidence import Evidence

if TYPE_CHECKING:
    from livekit.api import LiveKitAPI, ServerError

    from callisi_runtime.carrier.own import Own
    from callisi_runtime.carrier.records import CarrierAlert, CarrierCall, CarrierMessage
    from callisi_runtime.settings import Settings

T = TypeVar("T")

MOST_ALERTS = 1000
BEFORE = 300.0
"""Seconds before the call's begin from which alerts are read: a call that did not come in is older than its row."""


async def gather(known: Evidence, own: Own, settings: Settings, *, patience: float | None = None) -> Evidence:
    """The ledger's part, completed by what Twilio and LiveKit say.

    Args:
        known: What the ledger holds of the call.
        own: The sids of this call and its messages.
        settings: Where the two are.
        patience: Seconds: of one request to Twilio, of LiveKit altogether; those of the settings when left out.
    """
    patience = settings.callisi_patience_seconds if patience is None else patience
    twilio, livekit = await asyncio.gather(
        _twilio(known, own, settings, patience), _livekit(known, settings, patience)
    )
    silent = [one for one in (twilio, livekit) if isinstance(one, str)]
    found = replace(known, not_asked=(*known.not_asked, *silent))
    if not isinstance(twilio, str):
        legs, messages, alerts, gaps = twilio
        found = replace(
            found, legs=legs, messages=messages, alerts=alerts, not_asked=(*found.not_asked, *gaps)
        )
    if not isinstance(livekit, str):
        found = replace(
            found,
            room=livekit.room,
            present=livekit.present,
            outbound_trunks=livekit.trunks,
            not_asked=(*found.not_asked, *livekit.gaps),
        )
    return found


Twilio = tuple[Sequence["CarrierCall"], Sequence["CarrierMessage"], Sequence["CarrierAlert"], Sequence[str]]


async def _twilio(known: Evidence, own: Own, settings: Settings, patience: float) -> Twilio | str:
    if not settings.twilio_account_sid or not settings.twilio_auth_token:
        return "Twilio: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set"
    try:
        return await asyncio.to_thread(_ask_twilio, known, own, settings, patience)
    except CallisiError as error:
        return f"Twilio: {error}"


def _ask_twilio(known: Evidence, own: Own, settings: Settings, patience: float) -> Twilio:
    from callisi_runtime.carrier import records
    from callisi_runtime.carrier.ask import NotAnswered, asked, client_of

    client = client_of(settings, timeout=patience)
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


@dataclass(frozen=True, slots=True)
class _Held:
    """What LiveKit says; None where it did not, and then a gap says why."""

    room: bool | None
    present: tuple[str, ...]
    trunks: int | None
    gaps: tuple[str, ...]


async def _livekit(known: Evidence, settings: Settings, patience: float) -> _Held | str:
    import aiohttp
    from livekit import api

    url, key, secret = settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret
    if not url or not key or not secret:
        return "LiveKit: LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not all set"
    try:
        # The library's own timeout does not reach requests that are given none.
        async with (
            asyncio.timeout(patience),
            api.LiveKitAPI(url.replace("ws", "http", 1), key, secret, failover=False) as lk,
        ):
            room, present = await _room(lk, known.call.room)
            try:
                trunks = await lk.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
            except api.ServerError as error:  # a server without its SIP service knows its rooms all the same
                return _Held(room, present, None, (_refused("its outbound trunks", error),))
    except api.ServerError as error:
        return _refused("the call's room", error)
    except TimeoutError:
        return f"LiveKit: it does not answer within {patience:g} s; check that the server is not stuck"
    except (aiohttp.ClientError, ValueError, OSError):
        return "LiveKit: it does not answer; check LIVEKIT_URL, and that the server runs"
    return _Held(room, present, len(trunks.items), ())


async def _room(lk: LiveKitAPI, name: str) -> tuple[bool, tuple[str, ...]]:
    """Whether the room is there, and who is in it: `agent`, `telephone`, `other`."""
    from livekit import api

    found = await lk.room.list_rooms(api.ListRoomsRequest(names=[name]))
    if not found.rooms:
        return False, ()
    inside = await lk.room.list_participants(api.ListParticipantsRequest(room=name))
    kinds = api.ParticipantInfo.Kind
    words = {kinds.SIP: "telephone", kinds.AGENT: "agent"}
    return True, tuple(sorted(words.get(one.kind, "other") for one in inside.participants))


def _refused(what: str, error: ServerError) -> str:
    """One sentence."""
    if error.status in (401, 403):
        mend = (
            "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET (a pair of this project), and this machine's clock"
        )
        return f"LiveKit: it refuses the key ({error.status}); {mend}"
    if error.status == 429:
        return "LiveKit: it has had too many requests (429); wait a minute, then ask again"
    return f"LiveKit: asked for {what} it answers {error.status} ({error.code}); run `callisi doctor`"
