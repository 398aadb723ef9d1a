"""`CallPlan`: spec and settings resolved and frozen. A live call runs it, `render` prints it, `prove` walks it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from callisi_runtime.flow.model import FlowPlan, Outcome
from callisi_runtime.hours import is_open
from callisi_runtime.phone import normalise
from callisi_runtime.plan.content import content_template
from callisi_runtime.plan.facts import CHANNEL_SPOKEN, CallFacts, static_variables, variables
from callisi_runtime.plan.prompt import prompt_of
from callisi_runtime.plan.sentences import WITHOUT_NUMBER, sentence_templates
from callisi_runtime.spec.fallback import SANDBOX_NUMBER
from callisi_runtime.templates import TemplateProblem, render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from callisi_runtime.ledger.values import Note, Step
    from callisi_runtime.phone import Number
    from callisi_runtime.plan.links import Links
    from callisi_runtime.settings import Settings
    from callisi_runtime.spec import AgentSpec, Channel, WhatsApp

SAFETY_NUMBER = 0
"""The number of the message that goes out when a call breaks off; those of the machine begin at 1."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What calls of one agent read: never changed, shared by all."""

    spec: AgentSpec
    flow: FlowPlan
    route: tuple[Step, ...]
    links: Links | None = field(default=None, repr=False)
    """Makes the links with which staff takes a callback over; None without a public address."""

    def sentence(self, key: str, call: CallFacts) -> str:
        """What is said for this key in this call."""
        if not may_be_called_back(call):
            key = WITHOUT_NUMBER.get(key, key)
        return render(sentence_templates(self.spec)[key], variables(self.spec, call)).strip()

    def static_sentences(self) -> dict[str, tuple[str, ...]]:
        """Key -> every text it can have, for the sentences that do not depend on the call: synthesised ahead."""
        found: dict[str, tuple[str, ...]] = {}
        names = static_variables(self.spec)
        kinds = sorted(set(self.flow.channels)) or ["sms"]
        for key, template in sentence_templates(self.spec).items():
            try:
                each = [
                    render(
                        template, {**names, "channel": {"kind": kind, "spoken": CHANNEL_SPOKEN[kind]}}
                    ).strip()
                    for kind in kinds
                ]
            except TemplateProblem:
                continue  # it names the caller or the message: synthesised when it is needed
            found[key] = tuple(dict.fromkeys(each))
        for key, other in WITHOUT_NUMBER.items():
            found[key] = (*found.get(key, ()), *found.pop(other, ()))
        return {key: texts for key, texts in found.items() if texts}

    def prompt(self, call: CallFacts) -> str:
        """The language model's instructions for this call."""
        return prompt_of(self.spec, variables(self.spec, call), call)

    def fact(self, question: str, call: CallFacts) -> str | None:
        """The declared answer to a question, or None when no fact has its words."""
        from callisi_runtime.phrases import answer_from  # patterns that a file's check need not compile

        declared = [(fact.ask, fact.answer) for fact in self.spec.facts]
        answer = answer_from(declared, question)
        return render(answer, variables(self.spec, call)).strip() if answer is not None else None

    def allowed_targets(self, caller: Number, now: datetime) -> tuple[int, ...]:
        """Targets that may be dialled for this caller now: open, not the caller, not one of our own numbers."""
        transfer = self.spec.transfer
        if transfer is None:
            return ()
        never = {caller.e164, self.spec.business.phone, *self.spec.business.numbers}
        return tuple(
            index
            for index, target in enumerate(transfer.to)
            if target.to not in never and is_open(target.hours or self.spec.hours, now)
        )

    def note(self, call: CallFacts, number: int) -> Note:
        """Message `number` of this call, with every text rendered as the facts stand."""
        from callisi_runtime.ledger.values import Note, reference_for

        note_id = f"{call.id}:{number}"
        reference = reference_for(note_id)
        channels = self.spec.fallback.channels if self.spec.fallback else ()
        names = variables(self.spec, call)
        own = self.spec.fallback.interrupted if self.spec.fallback and number == SAFETY_NUMBER else None
        links = [self._link(note_id, reference, index) for index in range(len(self.route))]
        texts = [
            message_for(channel, names, call, reference, own, link)
            for channel, link in zip(channels, links, strict=True)
        ]
        return Note(
            id=note_id,
            call_id=call.id,
            agent=self.spec.name,
            body={"texts": texts, "facts": note_facts(self.spec, call, reference)},
            route=self.route,
            reference=reference,
            escalate=escalate_after(self.spec),
        )

    def _link(self, note_id: str, reference: str, index: int) -> str:
        if self.links is None:
            return ""
        return self.links.of(note_id, reference, index, self.route[index].to)

    def safety_note(self, call: CallFacts) -> Note | None:
        """What staff is told when the call breaks off and nobody goes on with it; None where there are no channels."""
        if not self.route:
            return None
        return self.note(replace(call, outcome=Outcome.INTERRUPTED), SAFETY_NUMBER)


def may_be_called_back(call: CallFacts) -> bool:
    """Whether there is a number to call the caller back on."""
    return call.caller.e164 is not None or bool(call.message.callback)


def message_for(
    channel: Channel,
    names: object,
    call: CallFacts,
    reference: str,
    own: str | None = None,
    link: str = "",
) -> dict[str, object]:
    """What goes over one channel: `text`, and `variables` or `subject` where the channel has them.

    Args:
        channel: As the file has it.
        names: What templates may use.
        call: The call.
        reference: What staff quotes.
        own: A text instead of the channel's own.
        link: With which the reader takes the callback over. An e-mail gets it at its end, a webhook as a fact of its
            own, every other channel where its text says `{{ claim.url }}`: there each character counts.
    """
    known = {**names, "call": {**names["call"], "reference": reference}, "claim": {"url": link}}  # type: ignore[dict-item,index]
    template = own or text_of(channel, hidden=call.caller.e164 is None)
    text = render(template, known).strip()
    message: dict[str, object] = {"text": with_reference(text, reference)}
    if channel.whatsapp is not None:
        message |= variables_for(channel.whatsapp, known)
    if link:
        message["claim_url"] = link
    if channel.email is not None:
        if link and link not in text:
            message["text"] = f"{message['text']}\n\nRückruf übernehmen: {link}"
        message["subject"] = render(channel.email.subject, known).strip()
    return message


def text_of(channel: Channel, *, hidden: bool) -> str:
    """The template of what staff reads over this channel."""
    if channel.whatsapp is not None and channel.whatsapp.template is not None:
        return channel.whatsapp.template
    return channel.settings.message_hidden if hidden else channel.settings.message


def variables_for(whatsapp: WhatsApp, names: Mapping[str, object]) -> dict[str, object]:
    """`{"variables": {number: text}}` for an approved template; nothing for free text."""
    if whatsapp.template is not None:
        return {"variables": content_template(whatsapp.template, names).filled(names)}
    if whatsapp.content_sid is None:
        return {}
    filled = {number: render(value, names).strip() for number, value in whatsapp.variables.items()}
    return {"variables": filled}


def with_reference(text: str, reference: str) -> str:
    """The text with the reference that staff quotes; at its end where the template does not place it."""
    text = text.strip()
    if reference in text:
        return text
    return f"{text}{'' if text.endswith(('.', '!', '?')) else '.'} Ref {reference}"


def note_facts(spec: AgentSpec, call: CallFacts, reference: str) -> dict[str, object]:
    """What a webhook gets: the call as data."""
    return {
        "agent": spec.name,
        "call": call.id,
        "reference": reference,
        "caller": call.caller.e164,
        "started": call.started.isoformat(),
        "outcome": call.outcome.value,
        "subject": call.message.subject,
        "name": call.message.name,
        "callback": call.message.callback,
    }


def flow_plan(spec: AgentSpec) -> FlowPlan:
    """What the machine needs of the file."""
    transfer, fallback, limits = spec.transfer, spec.fallback, spec.limits
    values: dict[str, object] = {
        "silence": limits.silence,
        "caller_silence": limits.caller_silence,
        "call_seconds": limits.max_minutes * 60.0,
    }
    if transfer is not None:
        values |= {
            "ring_timeouts": tuple(transfer.ring_timeout_of(index) for index in range(len(transfer.to))),
            "at_once": transfer.order == "at_once",
            "refer": transfer.mode == "refer",
            "accept": transfer.accept,
            "accept_timeout": transfer.accept_timeout,
            "ask_while_ringing": transfer.while_ringing == "ask",
            "word_every": transfer.word_every,
            "returns": transfer.after == "return",
            "talk_seconds": transfer.max_minutes * 60.0,
        }
    if fallback is not None:
        values |= {
            "channels": tuple(channel.kind for channel in fallback.channels),
            "ask_message": fallback.ask_message,
            "patience": fallback.patience,
            "then_hang_up": fallback.then == "hang_up",
        }
    flow = FlowPlan(**values)  # type: ignore[arg-type]
    if limits.cost is None:
        return flow
    from callisi_runtime.plan.budget import (
        budget_of,  # brings the machine, which a file's check need not load
    )

    return replace(flow, budget=budget_of(limits.cost, flow))


def route_of(spec: AgentSpec, settings: Settings) -> tuple[Step, ...]:
    """The fallback channels as the ledger keeps them: a snapshot, so that a later edit changes no running promise."""
    return tuple(
        step_of(channel, spec, settings) for channel in (spec.fallback.channels if spec.fallback else ())
    )


def escalate_after(spec: AgentSpec) -> float | None:
    """Seconds after which a callback that nobody has taken over goes to the next channel."""
    minutes = spec.fallback.escalate_after if spec.fallback else None
    return minutes * 60.0 if minutes else None


def name_of(spec: AgentSpec, address: str) -> str | None:
    """What the file calls the person at this number, where it names them as a target of a transfer."""
    targets = spec.transfer.to if spec.transfer else ()
    return next((target.name for target in targets if target.to == address and target.name), None)


def step_of(channel: Channel, spec: AgentSpec, settings: Settings) -> Step:
    """One channel of the route."""
    from callisi_runtime.ledger.values import Step

    common = channel.settings
    to, sender = "", None
    options: dict[str, object] = {}
    if channel.sms is not None:
        to, sender = channel.sms.to, channel.sms.sender or settings.twilio_phone_number
        options = {"validity": channel.sms.validity, "max_segments": channel.sms.max_segments}
    elif channel.whatsapp is not None:
        to = channel.whatsapp.to
        sender = channel.whatsapp.sender or settings.twilio_whatsapp_from
        content_sid = content_sid_of(channel.whatsapp, settings)
        options = {"content_sid": content_sid, "sandbox": channel.whatsapp.sandbox}
    elif channel.email is not None:
        to, sender = channel.email.to, channel.email.sender or settings.smtp_from
    elif channel.webhook is not None:
        to = channel.webhook.url
    if name := name_of(spec, to):
        options["name"] = name
    return Step(channel.kind, to, sender, options, common.tries, common.confirm, common.accept)


def content_sid_of(whatsapp: WhatsApp, settings: Settings) -> str | None:
    """The approved template that goes out: the file's, or for a declared text the environment's.

    None while the sandbox is the sender: it sends no template of ours, and the text goes out as it is.
    """
    if whatsapp.content_sid is not None or whatsapp.template is None:
        return whatsapp.content_sid
    sender = whatsapp.sender or normalise(settings.twilio_whatsapp_from).e164
    if whatsapp.sandbox and sender == SANDBOX_NUMBER:
        return None
    return settings.twilio_whatsapp_content_sid


def make_plan(spec: AgentSpec, settings: Settings) -> CallPlan:
    """Resolve a file and an environment into what a call reads."""
    from callisi_runtime.plan.links import links_of

    return CallPlan(spec, flow_plan(spec), route_of(spec, settings), links_of(settings))
