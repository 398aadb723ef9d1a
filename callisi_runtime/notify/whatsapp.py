"""A WhatsApp message over Twilio: an approved template, or free text in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from callisi_runtime.notify.base import Reject, Sent, content_of, text_of, with_reference

if TYPE_CHECKING:
    from callisi_runtime.ledger.values import Note, Receipt, Step
    from callisi_runtime.notify.twilio_messages import TwilioMessages

MAX_TEXT = 1500
EMPTY = "-"
"""WhatsApp refuses a template whose variable is empty."""


class WhatsApp:
    """Options of a step: `content_sid`, or `sandbox: true`."""

    finds = True

    def __init__(self, messages: TwilioMessages, sender: str | None) -> None:
        self._messages = messages
        self._sender = sender

    async def send(self, note: Note, step: Step) -> Sent:
        """Sends the template with its variables, or free text where the file says sandbox."""
        sender = step.sender or self._sender
        if sender is None:
            raise Reject("no sender; set TWILIO_WHATSAPP_FROM", operator=True)
        return await self._messages.create(
            note, step, to=address(step.to), from_=address(sender), **_content(note, step)
        )

    async def find(self, note: Note, step: Step, *, ignore: Collection[str] = ()) -> Sent | None:
        """By the reference in the text, or by all the template's variables in a message since the note."""
        variables = template_variables(note, step) if step.options.get("content_sid") else {}

        def ours(message: Any) -> bool:
            body = str(message.body)
            if note.reference in body:
                return True
            made = message.date_created
            newer = made is not None and made.timestamp() >= note.created - 60
            return bool(variables) and newer and all(value in body for value in variables.values())

        return await self._messages.find(address(step.to), ours, ignore)

    async def status(self, sid: str, step: Step) -> Receipt:
        """Twilio's word on the message."""
        return await self._messages.status(sid)


def address(number: str) -> str:
    """`whatsapp:+49...`, whether the prefix was there or not."""
    return number if number.startswith("whatsapp:") else f"whatsapp:{number}"


def template_variables(note: Note, step: Step) -> dict[str, str]:
    """The template's variables by number: one line each, none empty."""
    given = content_of(note, step).get("variables")
    variables = given if isinstance(given, Mapping) else {"1": text_of(note, step)}
    return {str(number): " ".join(str(value).split()) or EMPTY for number, value in variables.items()}


def _content(note: Note, step: Step) -> dict[str, object]:
    content_sid = step.options.get("content_sid")
    if content_sid:
        variables = json.dumps(template_variables(note, step), ensure_ascii=False)
        return {"content_sid": content_sid, "content_variables": variables}
    if not step.options.get("sandbox"):
        raise Reject(
            "no approved template: neither content_sid nor TWILIO_WHATSAPP_CONTENT_SID, nor sandbox: true; "
            "see callisi provision",
            operator=True,
        )
    return {"body": with_reference(text_of(note, step)[:MAX_TEXT], note.reference)}
