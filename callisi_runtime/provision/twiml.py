"""The carrier's own emergency route: static TwiML that rings a person when LiveKit cannot be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from callisi_runtime.errors import CallisiError, Problem
from callisi_runtime.phone import is_example, normalise, written

if TYPE_CHECKING:
    from callisi_runtime.settings import Settings
    from callisi_runtime.spec import AgentSpec

RING_SECONDS = 25


def emergency_twiml(spec: AgentSpec, settings: Settings) -> str:
    """What Twilio does by itself: tells the caller, rings the first person, tells them when nobody answers.

    Nothing is recorded: without consent that is a crime in Germany (§ 201 StGB).

    Raises:
        CallisiError: There is nobody to ring.
    """
    if spec.transfer is None or is_example(spec.transfer.to[0].to):
        raise CallisiError(
            Problem(
                "there is nobody whom the emergency route could ring",
                code="no-target",
                hint="set DEFAULT_FORWARD_NUMBER (transfer.to) to a person",
            )
        )
    caller_id = normalise(settings.twilio_phone_number).e164
    shown = f" callerId={quoteattr(caller_id)}" if caller_id else ""
    name = escape(spec.business.name)
    office = escape(f" unter {written(spec.business.phone)}") if spec.business.phone else ""
    language = escape(spec.language)
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            "<Response>",
            f'  <Say language="{language}">Guten Tag, hier ist {name}. Unsere Telefonassistentin ist gerade gestört. '
            "Ich verbinde Sie.</Say>",
            f'  <Dial timeout="{RING_SECONDS}"{shown}>{spec.transfer.to[0].to}</Dial>',
            f'  <Say language="{language}">Leider ist gerade niemand erreichbar. Bitte rufen Sie uns später noch '
            f"einmal an{office}.</Say>",
            "</Response>",
        )
    )
