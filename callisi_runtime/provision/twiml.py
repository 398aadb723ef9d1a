"""The carrier's own emergency route: static TwiML that rings a person when LiveKit cannot be reached.

Static TwiML cannot know whether somebody took the call: what follows the ringing is heard by every caller who is left
on the line, also after a talk. So it is worded to be true in both cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal
from xml.sax.saxutils import escape, quoteattr

from callisi_runtime.errors import CallisiError, Problem, UsageError
from callisi_runtime.phone import is_example, normalise, written

if TYPE_CHECKING:
    from callisi_runtime.settings import Settings
    from callisi_runtime.spec import AgentSpec

Kind = Literal["say", "record", "thanks"]
KINDS: Final[tuple[Kind, ...]] = ("say", "record", "thanks")
RING_SECONDS: Final = 25
CONNECTS: Final = "Unsere Telefonassistentin ist gerade gestört. Ich verbinde Sie."
LONGEST_MESSAGE: Final = 120
"""Seconds of a recorded message."""
WHEN: Final = (
    "Twilio follows the disaster recovery URL when an error occurs while it sends a call to LiveKit: LiveKit is down, "
    "or refuses; not when LiveKit answers 486 (busy), as it does when no worker has taken a call in time"
)
"""What the plan and the docs say about it."""
BRIEFLY: Final = (
    "when LiveKit is down, Twilio follows the disaster recovery URL; "
    "not when LiveKit answers 486 (busy): no worker"
)
"""The same in the line that doctor has for it."""


def emergency_twiml(
    spec: AgentSpec, settings: Settings, kind: Kind = "say", thanks_url: str | None = None
) -> str:
    """What Twilio does by itself: tells the caller, rings the first person, then speaks or takes a message.

    Args:
        spec: The agent.
        settings: The environment.
        kind: `say`: nothing is recorded, for without consent that is a crime in Germany (§ 201 StGB). `record`: the
            caller is told so, and speaks after the tone or hangs up. `thanks`: what follows a recorded message.
        thanks_url: Where Twilio finds `thanks`. Only for `record`, and necessary there: without it, Twilio begins anew.

    Raises:
        CallisiError: There is nobody to ring.
        UsageError: `record` without `thanks_url`, or the other way round.
    """
    if (kind == "record") != (thanks_url is not None):
        raise UsageError(
            "--twiml record and --thanks-url go together: after a recorded message Twilio asks for another text, and "
            "begins anew without one. Store what --twiml thanks prints, and give its address"
        )
    language = escape(spec.language)
    if kind == "thanks":
        return _document(_say(language, "Vielen Dank für Ihre Nachricht. Auf Wiederhören."), "<Hangup/>")
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
    greeting = f"Guten Tag, hier ist {spec.business.name}. {CONNECTS}"
    return _document(
        _say(language, greeting),
        f'<Dial timeout="{RING_SECONDS}"{shown}>{spec.transfer.to[0].to}</Dial>',
        *(_spoken(spec, language) if thanks_url is None else _recorded(language, thanks_url)),
    )


def _spoken(spec: AgentSpec, language: str) -> tuple[str, ...]:
    office = f" unter {written(spec.business.phone)}" if spec.business.phone else ""
    text = f"Falls Sie niemanden erreicht haben, rufen Sie uns bitte später noch einmal{office} an. Auf Wiederhören."
    return (_say(language, text),)


def _recorded(language: str, thanks_url: str) -> tuple[str, ...]:
    text = (
        "Falls Sie niemanden erreicht haben, sprechen Sie uns nach dem Ton bitte Ihre Nachricht und Ihre Telefonnummer "
        "auf. Was Sie sagen, wird aufgezeichnet. Wenn Sie das nicht möchten, legen Sie bitte auf."
    )
    asks = f'action={quoteattr(thanks_url)} method="GET"'
    record = f'<Record {asks} maxLength="{LONGEST_MESSAGE}" timeout="5" playBeep="true"/>'
    # What follows is heard by those who said nothing: for an empty recording Twilio does not ask for the action.
    return _say(language, text), record, _say(language, "Auf Wiederhören.")


def _say(language: str, text: str) -> str:
    return f'<Say language="{language}">{escape(text)}</Say>'


def _document(*verbs: str) -> str:
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            "<Response>",
            *(f"  {one}" for one in verbs),
            "</Response>",
        )
    )
