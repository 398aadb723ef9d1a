"""A text message over Twilio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callisi_runtime.notify.base import Reject, Sent, text_of
from callisi_runtime.notify.gsm7 import measure, sanitise, shorten

if TYPE_CHECKING:
    from collections.abc import Collection

    from callisi_runtime.ledger.values import Note, Receipt, Step
    from callisi_runtime.notify.twilio_messages import TwilioMessages

MAX_PARTS = 3
VALIDITY = 1800
"""Seconds; Twilio's own ten hours would bring a missed call the next day."""


class Sms:
    """Options of a step: `validity` (seconds), `max_segments`."""

    finds = True

    def __init__(self, messages: TwilioMessages, sender: str | None) -> None:
        self._messages = messages
        self._sender = sender

    async def send(self, note: Note, step: Step) -> Sent:
        """Sends the text in GSM-7, cut to the parts it may have, with the reference at its end."""
        sender = step.sender or self._sender
        if sender is None:
            raise Reject("no sender; set TWILIO_PHONE_NUMBER", operator=True)
        return await self._messages.create(
            note,
            step,
            to=step.to,
            from_=sender,
            body=sms_text(note, step),
            validity_period=int(str(step.options.get("validity", VALIDITY))),
        )

    async def find(self, note: Note, step: Step, *, ignore: Collection[str] = ()) -> Sent | None:
        """By the reference in the text."""

        def ours(message: Any) -> bool:
            return note.reference in str(message.body)

        return await self._messages.find(step.to, ours, ignore)

    async def status(self, sid: str, step: Step) -> Receipt:
        """Twilio's word on the message."""
        return await self._messages.status(sid)


def sms_text(note: Note, step: Step) -> str:
    """What goes out: one encoding, a bounded number of parts, and always the reference."""
    reference = f"Ref {note.reference}"
    text = sanitise(text_of(note, step)).strip()
    parts = int(str(step.options.get("max_segments", MAX_PARTS)))
    if note.reference in text and not text.endswith(reference) and measure(text).segments <= parts:
        return text
    return shorten(text.removesuffix(reference).rstrip(), parts, f" {reference}")
