"""Everything an agent says and sends, filled in with a sample call: what `callisi render` prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from callisi_runtime.flow.model import OUTCOME_WORDS, Outcome
from callisi_runtime.notify.gsm7 import Segments, measure, sanitise
from callisi_runtime.plan import (
    CallFacts,
    CallPlan,
    flow_plan,
    path_of,
    sample_call,
    sentence_templates,
    variables,
)
from callisi_runtime.plan.call_plan import message_for
from callisi_runtime.source.positions import dotted

if TYPE_CHECKING:
    from callisi_runtime.spec import AgentSpec, Channel

UNSENT = (Outcome.ACCEPTED, Outcome.INTERRUPTED)
"""Outcomes after which no message goes out, or one with words of its own (`fallback.interrupted`)."""
TO_STAFF = frozenset({"prompt"})
"""Sentences that the dialled person hears, and the caller does not."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as it would be said."""

    key: str
    path: str
    """The YAML key: `transfer.say.connecting`."""
    to: str
    """`caller` or `staff`."""
    text: str
    channel: str | None = None
    """The kind of channel that accepted the message, for sentences that depend on it."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One message as it would be sent."""

    outcome: Outcome
    channel: str
    to: str
    text: str
    subject: str | None = None
    variables: dict[str, str] | None = None
    size: Segments | None = None
    """Only of an SMS."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """An agent, spelled out for one sample call."""

    name: str
    display: str
    caller: str
    prompt: str
    sentences: tuple[Sentence, ...]
    notifications: tuple[Notification, ...]

    @property
    def greeting(self) -> str:
        """The first sentence."""
        return next(one.text for one in self.sentences if one.key == "greeting")


def render_agent(spec: AgentSpec, *, hidden: bool = False) -> Rendering:
    """Spell an agent out for a caller with a number, or with a hidden one."""
    plan = CallPlan(spec=spec, flow=flow_plan(spec), route=())
    call = sample_call(hidden=hidden)
    if hidden:
        call = replace(call, message=replace(call.message, callback=""))
    return Rendering(
        name=spec.name,
        display=spec.display,
        caller="hidden" if hidden else (call.caller.e164 or "hidden"),
        prompt=plan.prompt(call),
        sentences=tuple(_sentences(plan, call)),
        notifications=tuple(_notifications(spec, call)),
    )


def as_document(rendering: Rendering) -> dict[str, Any]:
    """The rendering as the JSON document of `callisi render --json`."""
    return {
        "agent": rendering.name,
        "display": rendering.display,
        "caller": rendering.caller,
        "prompt": rendering.prompt,
        "greeting": rendering.greeting,
        "sentences": [
            {"key": one.key, "path": one.path, "to": one.to, "channel": one.channel, "text": one.text}
            for one in rendering.sentences
        ],
        "notifications": [_notification_document(one) for one in rendering.notifications],
    }


def _sentences(plan: CallPlan, call: CallFacts) -> Iterator[Sentence]:
    templates = sentence_templates(plan.spec)
    kinds = tuple(dict.fromkeys(plan.flow.channels))
    for key in templates:
        if key.endswith("_hidden"):
            continue  # said in place of its twin, when the number is hidden
        varies = len(kinds) > 1 and "channel" in templates[key]
        for kind in kinds if varies else kinds[:1] or (call.channel,):
            text = plan.sentence(key, replace(call, channel=kind))
            to = "staff" if key in TO_STAFF else "caller"
            yield Sentence(key, dotted(path_of(key)), to, text, kind if varies else None)


def _notifications(spec: AgentSpec, call: CallFacts) -> Iterator[Notification]:
    for channel in spec.fallback.channels if spec.fallback else ():
        for outcome in Outcome:
            if outcome not in UNSENT and (outcome is not Outcome.OVER_BUDGET or spec.limits.cost):
                yield _notification(spec, channel, replace(call, outcome=outcome, channel=channel.kind))


def _notification(spec: AgentSpec, channel: Channel, call: CallFacts) -> Notification:
    message = message_for(channel, variables(spec, call), call, call.reference)
    text = str(message["text"])
    size = None
    if channel.kind == "sms":
        text = sanitise(text)
        size = measure(text)
    filled = message.get("variables")
    subject = message.get("subject")
    settings: Any = channel.settings
    return Notification(
        outcome=call.outcome,
        channel=channel.kind,
        to=settings.url if channel.kind == "webhook" else settings.to,
        text=text,
        subject=str(subject) if subject is not None else None,
        variables=dict(filled) if isinstance(filled, dict) else None,
        size=size,
    )


def _notification_document(one: Notification) -> dict[str, Any]:
    return {
        "outcome": one.outcome.value,
        "words": OUTCOME_WORDS[one.outcome],
        "channel": one.channel,
        "to": one.to,
        "text": one.text,
        "subject": one.subject,
        "variables": one.variables,
        "encoding": one.size.encoding if one.size else None,
        "characters": one.size.length if one.size else len(one.text),
        "segments": one.size.segments if one.size else None,
    }
