"""What only trying shows: a message that is sent, a call that rings, and the route that Twilio takes without us."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from google.protobuf.duration_pb2 import Duration
from livekit import api

from callisi_runtime.doctor.keys import ONLY_LIVE
from callisi_runtime.doctor.line import dialling_trunk, provision
from callisi_runtime.doctor.livekit import client, the_held
from callisi_runtime.doctor.messages import sms_of, whatsapp_of
from callisi_runtime.doctor.result import Ended, Result, ok, problem, skipped, warning
from callisi_runtime.doctor.trunk import the_trunks
from callisi_runtime.doctor.twilio import ask, known
from callisi_runtime.doctor.twiml import judged

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient
    from callisi_runtime.spec import AgentSpec
    from callisi_runtime.spec.fallback import WhatsApp

TEXT: Final = "Callisi: Dies ist eine Probe von callisi doctor. Bitte nicht antworten."
LOOKS: Final = (0.5, 1.0, 2.0, 3.0, 5.0, 5.0, 10.0, 10.0)
"""Seconds between two looks at a message."""
LOST: Final = ("failed", "undelivered", "canceled")
RING_SECONDS: Final = 15
"""From dialling until the call is given up; the network takes up to eight seconds until it rings."""
LET_RING: Final = 3.0
"""Seconds for which the person's telephone rings."""
LOOK_SECONDS: Final = 0.3
LONGEST_TWIML: Final = 65_536
"""Bytes; Twilio takes no more."""


def announced(spec: AgentSpec) -> list[str]:
    """What `--live` does, in words, before it is agreed to. Numbers are masked."""
    from callisi_runtime.phone import masked

    found = ["each provider of ears, brain and voice is asked once; that costs nothing"]
    for channel in spec.fallback.channels if spec.fallback else ():
        if channel.sms is not None:
            found.append(f"an SMS goes to {masked(channel.sms.to)}; it costs one SMS")
        if channel.whatsapp is not None:
            found.append(f"a WhatsApp message goes to {masked(channel.whatsapp.to)}; it costs one message")
    if spec.transfer is not None:
        to = masked(spec.transfer.to[0].to)
        found.append(
            f"{to} is called, rings for {LET_RING:.0f} s and is given up; picked up, it costs a minute"
        )
        found.append("the trunk's disaster recovery URL is fetched, as Twilio would")
    return found


async def messages(patient: Patient) -> list[Result]:
    """Send one message on each of Twilio's channels, and follow it to its end."""
    texts, templates = sms_of(patient), whatsapp_of(patient)
    if not texts and not templates:
        return [skipped("this agent sends nothing over Twilio")]
    if not patient.live:
        return [skipped(ONLY_LIVE)]
    known(patient)
    ours = patient.settings.twilio_phone_number
    wanted: list[tuple[str, dict[str, Any]]] = [
        ("the SMS", {"to": one.to, "from_": one.sender or ours, "body": TEXT, "validity_period": 600})
        for one in texts
    ]
    wanted += [("the WhatsApp message", of_whatsapp(patient, one)) for one in templates]
    return list(await asyncio.gather(*(followed(patient, name, values) for name, values in wanted)))


def of_whatsapp(patient: Patient, channel: WhatsApp) -> dict[str, Any]:
    """What is sent on WhatsApp: the template, each variable as a word, or the text to the sandbox."""
    from callisi_runtime.plan.call_plan import content_sid_of

    sender = channel.sender or (patient.settings.twilio_whatsapp_from or "").removeprefix("whatsapp:")
    values: dict[str, Any] = {"to": f"whatsapp:{channel.to}", "from_": f"whatsapp:{sender}"}
    content_sid = content_sid_of(channel, patient.settings)
    if content_sid is None:
        return values | {"body": TEXT}
    # A variable that a template does not have is ignored; one that is missing is refused.
    filled = {str(number): "Probe" for number in range(1, 11)}
    return values | {"content_sid": content_sid, "content_variables": json.dumps(filled)}


async def followed(patient: Patient, name: str, values: dict[str, Any]) -> Result:
    """One message, to its end."""
    from callisi_runtime.notify.codes import report_rule, words

    try:
        message = await ask(patient, lambda client: client.messages.create(**values))
        for seconds in LOOKS:
            await asyncio.sleep(seconds)
            message = await ask(patient, lambda client, sid=message.sid: client.messages(sid).fetch())  # type: ignore[misc]
            if message.status in ("delivered", "read"):
                return ok(f"{name} has arrived")
            if message.status in LOST:
                code = None if message.error_code is None else str(message.error_code)
                rule = report_rule(code)
                return problem(f"{name} was lost: {words(rule, code).partition(';')[0]}", rule.remedy)
    except Ended as error:
        return Result(error.result.state, f"{name}: {error.result.what}", error.result.mend)
    what = f"{name} is {message.status}, and its arrival was not reported within {sum(LOOKS):.0f} s"
    return warning(what, "look at the telephone: some carriers never report it")


async def call(patient: Patient) -> list[Result]:
    """Ring the first person who is dialled, for a few seconds, over the trunk that callers are put through by."""
    spec = patient.known_spec()
    if spec.transfer is None:
        return [skipped("this agent puts nobody through")]
    if not patient.live:
        return [skipped(ONLY_LIVE)]
    try:
        trunk = dialling_trunk(patient, spec.transfer.trunk, await the_held(patient))
    except Ended as error:
        raise Ended(skipped("no trunk to call over: see `people are dialled`")) from error
    request = api.CreateSIPParticipantRequest(
        sip_trunk_id=trunk.sip_trunk_id,
        sip_call_to=spec.transfer.to[0].to,
        sip_number=spec.transfer.caller_id or "",
        room_name=f"callisi-doctor-{secrets.token_hex(4)}",
        participant_identity="doctor",
        wait_until_answered=True,
        ringing_timeout=Duration(seconds=RING_SECONDS),
        max_call_duration=Duration(seconds=30),
    )
    async with client(patient) as lk:
        try:
            return [await rung(lk, request, patient)]
        finally:
            # Removing the leg, and not giving up the request, is what stops a telephone that rings.
            with contextlib.suppress(api.ServerError, aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(patient.patience):
                    await lk.room.delete_room(api.DeleteRoomRequest(room=request.room_name))


async def rung(lk: api.LiveKitAPI, request: api.CreateSIPParticipantRequest, patient: Patient) -> Result:
    """Dial, and wait until it has rung long enough, or the dial has ended."""
    dialling = asyncio.ensure_future(lk.sip.create_sip_participant(request, timeout=float(RING_SECONDS + 5)))
    leg = Leg(lk, request.room_name, patient.patience)
    there, rings = asyncio.ensure_future(leg.there()), asyncio.ensure_future(leg.rings())
    first = asyncio.FIRST_COMPLETED
    try:
        await asyncio.wait({dialling, there}, timeout=patient.patience, return_when=first)
        if not dialling.done() and not there.done():
            return unanswered(patient)
        await asyncio.wait({dialling, rings}, return_when=first)
        if not dialling.done():
            await asyncio.wait({dialling}, timeout=LET_RING)
        if not dialling.done():
            return ok("the person's telephone rings")
        error = dialling.exception()
        if error is None:
            return ok("the person's telephone was picked up")
        return not_rung(error, rings.done(), patient)
    finally:
        for task in (dialling, there, rings):
            task.cancel()
        await asyncio.gather(dialling, there, rings, return_exceptions=True)


@dataclass(slots=True)
class Leg:
    """The leg to the telephone, as its room shows it.

    Args:
        lk: LiveKit's client.
        room: Where the leg alone is.
        patience: Seconds for one look.
    """

    lk: api.LiveKitAPI
    room: str
    patience: float

    async def there(self) -> None:
        """Returns when LiveKit has begun to dial."""
        await self._until(lambda _: True)

    async def rings(self) -> None:
        """Returns when the telephone rings."""
        await self._until(lambda one: one.attributes.get("sip.callStatus") == "ringing")

    async def _until(self, fits: Callable[[api.ParticipantInfo], bool]) -> None:
        while True:
            with contextlib.suppress(api.ServerError, aiohttp.ClientError, TimeoutError, ValueError):
                async with asyncio.timeout(self.patience):  # the library's own does not reach every request
                    held = await self.lk.room.list_participants(api.ListParticipantsRequest(room=self.room))
                if any(fits(one) for one in held.participants):
                    return
            await asyncio.sleep(LOOK_SECONDS)


def unanswered(patient: Patient) -> Result:
    """LiveKit was asked to dial, and neither did nor refused."""
    what = f"{patient.settings.livekit_url} does not answer within {patient.patience:g} s when it is asked to call"
    return problem(what, "see that livekit-sip runs, and its log; then callisi doctor --live again")


def not_rung(error: BaseException, rang: bool, patient: Patient) -> Result:
    """What a dial that ended says about the line."""
    from callisi_runtime.flow.model import Outcome
    from callisi_runtime.live.outcomes import dial_end, outcome_of

    outcome = outcome_of(dial_end(error, rang=rang, caller_left=False))
    status = getattr(error, "sip_status_code", None)
    code = f" ({status})" if status else ""
    if outcome in (Outcome.BUSY, Outcome.RANG_OUT):
        return ok(
            "the call reached the person's telephone" + (", which is busy" if outcome is Outcome.BUSY else "")
        )
    if outcome in (Outcome.NOT_AVAILABLE, Outcome.NEVER_RANG, Outcome.NO_REPLY):
        return warning(
            f"the person's telephone did not ring{code}", "is it on? then `callisi doctor --live` again"
        )
    if outcome is Outcome.NO_SUCH_NUMBER:
        return problem(
            f"the network knows no such number{code}", "correct transfer.to (DEFAULT_FORWARD_NUMBER)"
        )
    if outcome is Outcome.DECLINED:
        what = f"the call was refused{code}: by the person, or by Twilio as not allowed (32203, 32204, 32205)"
        return problem(what, "callisi doctor again in a minute: `alerts` says which")
    if outcome is Outcome.MISCONFIGURED:
        return problem(f"the trunk does not let us call{code}", provision(patient))
    return problem(
        f"the call failed on its way{code}",
        "callisi doctor again in a minute: see `alerts`, and the log of livekit-sip",
    )


async def emergency_route(patient: Patient) -> list[Result]:
    """Fetch the trunk's disaster recovery URL as Twilio would, and read what it would do."""
    if not patient.live:
        return [skipped(ONLY_LIVE)]
    ours = (await the_trunks(patient)).ours
    if not ours.disaster_recovery_url:
        return [skipped("there is none: see `emergency route`")]
    form = {
        "AccountSid": patient.settings.twilio_account_sid or "",
        "CallSid": "CA" + "0" * 32,
        "From": "anonymous",
    }
    method = str(ours.disaster_recovery_method or "POST")
    sent = {"params" if method == "GET" else "data": form}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patient.patience)) as session,
            session.request(method, ours.disaster_recovery_url, **sent) as answer,  # type: ignore[arg-type]
        ):
            status, text = (
                answer.status,
                (await answer.content.read(LONGEST_TWIML)).decode("utf-8", "replace"),
            )
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return [problem("the disaster recovery URL does not answer", provision(patient))]
    if status != 200:
        return [problem(f"the disaster recovery URL answers {status}", provision(patient))]
    spec = patient.spec
    targets = {one.to for one in spec.transfer.to} if spec and spec.transfer else set()
    return [judged(text, targets)]
