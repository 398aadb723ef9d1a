"""What is known about one call: the names that templates may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from callisi_runtime.flow.model import OUTCOME_WORDS, Outcome
from callisi_runtime.phone import Number, normalise, spoken, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callisi_runtime.spec import AgentSpec

CHANNEL_SPOKEN = {
    "sms": "per SMS",
    "whatsapp": "per WhatsApp",
    "email": "per E-Mail",
    "webhook": "über unser System",
}
DEFAULT_ZONE = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Message:
    """What the caller left for the staff, in their own words."""

    subject: str = ""
    name: str = ""
    callback: str = ""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One call, as far as it is known."""

    id: str
    caller: Number
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    """Aware."""
    message: Message = Message()
    outcome: Outcome = Outcome.RANG_OUT
    channel: str = "sms"
    reference: str = ""


def sample_call(*, hidden: bool = False) -> CallFacts:
    """The call that `validate` and `render` try every template with. The number is one reserved for drama."""
    return CallFacts(
        id="SCL_sample",
        caller=normalise("anonymous" if hidden else "+4915228817386"),
        started=datetime(2026, 11, 23, 13, 5, tzinfo=UTC),
        message=Message(
            subject="Termin verschieben", name="Frau Weber", callback="030 23125222" if hidden else ""
        ),
        outcome=Outcome.RANG_OUT,
        reference="K7Q2",
    )


def variables(spec: AgentSpec, call: CallFacts) -> Mapping[str, object]:
    """The names that a template may use, for one call."""
    zone = ZoneInfo(spec.hours.timezone if spec.hours else DEFAULT_ZONE)
    local = call.started.astimezone(zone)
    number = call.caller.e164
    seen, said = number_words(number) if number else ("unbekannte Nummer", "unbekannte Nummer")
    return static_variables(spec) | {
        "caller": {
            "known": number is not None,
            "phone": seen,
            "spoken": said,
        },
        "call": {
            "time": local.strftime("%H:%M"),
            "date": local.strftime("%d.%m.%Y"),
            "reference": call.reference,
        },
        "outcome": {"code": call.outcome.value, "words": OUTCOME_WORDS[call.outcome]},
        "message": {
            "subject": call.message.subject,
            "name": call.message.name,
            "callback": call.message.callback,
        },
        "channel": {"kind": call.channel, "spoken": CHANNEL_SPOKEN[call.channel]},
        "claim": {"url": ""},
    }


@lru_cache(maxsize=256)
def number_words(e164: str) -> tuple[str, str]:
    """The number as it is read, and as it is said."""
    return written(e164), spoken(e164)


def static_variables(spec: AgentSpec) -> dict[str, object]:
    """The names that are the same for every call: what a sentence may use and still be synthesised ahead."""
    from callisi_runtime.hours import in_words

    transfer = spec.transfer
    return {
        "agent": {"name": spec.display},
        "business": {"name": spec.business.name, "phone": spec.business.phone},
        "hours": {"words": in_words(spec.hours) if spec.hours else "jederzeit"},
        "transfer": {
            "ring_timeout": transfer.ring_timeout if transfer else 0,
            "name": (transfer.to[0].name or "") if transfer else "",
        },
    }
