"""`scenarios/*.yaml`: who rings, what they say, how telephones and providers behave, and what must come out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from callisi_runtime.errors import UsageError
from callisi_runtime.rehearse import acts
from callisi_runtime.rehearse.providers import ProviderName, parse_mode
from callisi_runtime.rehearse.staff import Behaviour
from callisi_runtime.spec.base import Part

Ending = Literal[
    "served",
    "accepted",
    "not_accepted",
    "busy",
    "not_available",
    "declined",
    "no_such_number",
    "provider_down",
    "rang_out",
    "never_rang",
    "no_reply",
    "caller_left",
    "interrupted",
    "misconfigured",
    "closed",
    "over_budget",
    "message",
]
"""The machine's outcomes, and `served`."""
Proof = Literal["accepted_by_person", "message_accepted", "message_delivered", "served", "withdrew"]


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


def _check_moment(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a moment: write it as 2026-11-23 14:05") from None
    return text


def _check_line(text: str) -> str:
    if text.startswith("/"):
        try:
            acts.check(text)
        except UsageError as error:
            raise ValueError(str(error)) from None
    return text


def _check_modes(modes: dict[str, Any]) -> dict[str, Any]:
    for name, text in modes.items():
        try:
            parse_mode(name, text)
        except UsageError as error:
            raise ValueError(str(error)) from None
    return modes


def _texts(value: object) -> object:
    return {key: str(one) for key, one in value.items()} if isinstance(value, dict) else value


Phrase = Annotated[str, Field(min_length=1, max_length=600)]
Line = Annotated[str, Field(min_length=1, max_length=600), AfterValidator(_check_line)]
Modes = Annotated[
    dict[ProviderName, Annotated[str, Field(min_length=1)]],
    BeforeValidator(_texts),
    AfterValidator(_check_modes),
]
Files = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_as_list), Field(min_length=1)
]


class ExpectedNotification(Part):
    """One message to the staff."""

    channel: Literal["sms", "whatsapp", "email", "webhook"]
    """How it was sent."""
    status: Literal["pending", "accepted", "delivered", "failed"] | None = None
    """What became of it."""
    body: tuple[Phrase, ...] = ()
    """What its text contains."""
    never: tuple[Phrase, ...] = ()
    """What its text does not contain."""


class Expected(Part):
    """What must come out. What is left out may be anything."""

    outcome: Ending | None = None
    """How the call ended: how its last dial ended, `served`, or `caller_left`."""
    said: tuple[Phrase, ...] = ()
    """What the agent says, in this order, whatever else she says in between. Parts of sentences are enough."""
    never_said: tuple[Phrase, ...] = ()
    """What the agent does not say."""
    staff_said: tuple[Phrase, ...] = ()
    """What the person says, in this order."""
    notifications: tuple[ExpectedNotification, ...] | None = None
    """The messages to the staff, exactly these; `[]`: none."""
    dialled: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    """Which targets were dialled, by their position in `transfer.to`; `[]`: none."""
    owed: Literal["nothing", "callback"] | None = None
    """Whether the caller still waits for somebody when everything is over."""
    evidence: Proof | None = None
    """What proves that nothing is owed."""
    longest: Annotated[float, Field(gt=0)] | None = None
    """Seconds that the call lasts at most."""


class Scenario(Part):
    """A rehearsed call, and what must come out."""

    title: str | None = Field(default=None, max_length=120)
    """What is shown; the file's name when left out."""
    agent: Files
    """The agent file, or several that must all behave like this; relative to the scenario."""
    agent_with: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Keys of the agent file that are different here: `hours`, `fallback` ..."""
    env: Annotated[dict[str, str], BeforeValidator(_texts)] = Field(default_factory=dict)
    """Environment variables, before those of the machine."""
    caller: str = "+49 1522 8817386"
    """Who rings: a number as a carrier may write it, or `hidden`."""
    at: Annotated[str, AfterValidator(_check_moment)] = "2026-11-23 14:05"
    """When, in the business's own time."""
    staff: Annotated[tuple[Behaviour, ...], BeforeValidator(_as_list)] = ("no-answer",)
    """How the telephones behave: one word for all, or one for each target."""
    providers: Modes = Field(default_factory=dict)
    """How providers behave from the start: `sms: 503`, `llm: down`, `tts: slow 3s`; all are up otherwise."""
    day_used_up: bool = False
    """Whether other calls have used up what `limits.cost.per_day` allows."""
    call: tuple[Line, ...] = ()
    """What the caller says, and acts such as `/hangup`, `/wait 12s`, `/staff busy`, `/provider sms 503`."""
    expect: Expected = Expected()
    """What must come out."""
