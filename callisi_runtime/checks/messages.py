"""The messages to staff, as they would go out: how many parts an SMS has, what WhatsApp delivers."""

from __future__ import annotations

from collections.abc import Iterator

from callisi_runtime.checks.samples import USUAL
from callisi_runtime.checks.view import Loc, View
from callisi_runtime.errors import Problem
from callisi_runtime.notify.gsm7 import BASIC, EXTENDED, measure, sanitise
from callisi_runtime.phone import normalise, written
from callisi_runtime.plan.call_plan import content_sid_of, with_reference
from callisi_runtime.plan.content import ContentTemplate, content_template, refusals
from callisi_runtime.settings import Settings
from callisi_runtime.spec import SANDBOX_NUMBER, Sms, WhatsApp
from callisi_runtime.templates import TemplateProblem

REFERENCE = "K7Q2"


def check_sms_parts(view: View) -> Iterator[Problem]:
    """A text with more parts than the file allows is refused; one with more than one costs more than it looks."""
    for loc, channel in view.channels():
        if channel.sms is None:
            continue
        for key in ("message", "message_hidden"):
            yield from _sms_problems(view, channel.sms, loc, key)


def _sms_problems(view: View, sms: Sms, loc: Loc, key: str) -> Iterator[Problem]:
    texts = [with_reference(text, REFERENCE) for text in rendered(view, getattr(sms, key))]
    if not texts:
        return
    plain = [text if set(text) <= BASIC | EXTENDED else sanitise(text) for text in texts]
    size = measure(max(plain, key=septets))
    words = f"{size.length} characters in {size.encoding} are {size.segments} SMS"
    if size.segments > sms.max_segments:
        yield view.error(
            (*loc, key),
            f"the message is too long: {words}",
            "sms-too-long",
            allowed=f"{sms.max_segments}, by `max_segments`",
            hint="shorten it",
        )
    elif size.segments > 1 and view.wrote(*loc, key):
        yield view.warning(
            (*loc, key),
            f"the message costs more than one: {words} for some calls",
            "sms-parts",
            hint="160 characters fit into one",
        )


def check_whatsapp(view: View) -> Iterator[Problem]:
    """The sandbox goes deaf by itself, and a template takes the place of free text."""
    for loc, channel in view.channels():
        if channel.whatsapp is None:
            continue
        yield from _sandbox(view, channel.whatsapp, loc)
        yield from _sandbox_sender(view, channel.whatsapp, loc)
        yield from _template(view, channel.whatsapp, loc)


def _template(view: View, whatsapp: WhatsApp, loc: Loc) -> Iterator[Problem]:
    """A declared text that Meta would refuse is refused here: its review takes up to a day."""
    if whatsapp.template is None:
        return
    where = (*loc, "template")
    try:
        content = content_template(whatsapp.template, view.samples.names(False, True, "whatsapp", USUAL))
    except TemplateProblem as problem:
        hint = "put the alternative inside: `{{ message.subject or 'kein Anliegen' }}`"
        yield view.error(
            where, problem.message, "whatsapp-template", hint=hint if "{%" in problem.message else None
        )
        return
    wrong = [*_refused(view, where, content)]
    yield from wrong
    if not wrong:
        yield from _template_beside(view, whatsapp, loc)
    if not any("call.reference" in text for text in content.variables.values()):
        yield view.warning(
            where,
            "the reference is missing: staff cannot say which callback they take",
            "whatsapp-template",
            hint="add `Ref {{ call.reference }}`, with a word behind it",
        )


def _refused(view: View, where: Loc, content: ContentTemplate) -> Iterator[Problem]:
    for wrong in refusals(content.body):
        yield view.error(where, wrong, "whatsapp-template", hint="put words around it")
    for text in content.variables.values():
        if not all(map(str.strip, rendered(view, text) or ("-",))):
            yield view.error(
                where,
                f"`{text}` comes out empty for some calls, and WhatsApp sends no empty variable",
                "whatsapp-template",
                hint="give an alternative: `{{ message.subject or 'kein Anliegen' }}`",
            )


def _template_beside(view: View, whatsapp: WhatsApp, loc: Loc) -> Iterator[Problem]:
    for key in ("message", "message_hidden"):
        if view.wrote(*loc, key):
            yield view.warning((*loc, key), "has no effect beside `template`", "no-effect", hint="remove it")
    if not known_template(view, whatsapp) and not whatsapp.sandbox:
        yield view.warning(
            (*loc, "template"),
            "nothing goes out over this channel until Meta has approved the text",
            "whatsapp-unapproved",
            hint="`callisi provision` hands it in, and writes TWILIO_WHATSAPP_CONTENT_SID when it is approved",
        )


def known_template(view: View, whatsapp: WhatsApp) -> bool:
    """Whether there is the id of an approved template, in the file or for a declared text in the environment."""
    return content_sid_of(whatsapp, Settings.from_environ(_whatsapp_variables(view))) is not None


def _whatsapp_variables(view: View) -> dict[str, str]:
    return {name: value for name, value in view.environ.items() if name.startswith("TWILIO_WHATSAPP_")}


def _sandbox_sender(view: View, whatsapp: WhatsApp, loc: Loc) -> Iterator[Problem]:
    """The sandbox's number delivers to members only, and no template but Twilio's own."""
    sender = whatsapp.sender or normalise(view.environ.get("TWILIO_WHATSAPP_FROM")).e164
    if sender == SANDBOX_NUMBER and not whatsapp.sandbox:
        yield view.warning(
            (*loc, "from") if view.wrote(*loc, "from") else loc,
            f"{written(SANDBOX_NUMBER)} is the number of Twilio's sandbox, which sends no template of yours",
            "whatsapp-sandbox",
            hint="set TWILIO_WHATSAPP_FROM to a sender of your own, or say sandbox: true for trying out",
        )


def _sandbox(view: View, whatsapp: WhatsApp, loc: Loc) -> Iterator[Problem]:
    if whatsapp.sandbox and not known_template(view, whatsapp):
        yield view.warning(
            (*loc, "sandbox"),
            "Twilio's sandbox forgets its members after 3 days (error 63015), and delivers free text only within "
            "24 hours of their last message (error 63016): fine for trying out, not for a line",
            "whatsapp-sandbox",
            hint="for a line: a sender of your own, and a `template` that `callisi provision` has approved",
        )
    if whatsapp.sandbox and whatsapp.content_sid is not None:
        yield view.warning(
            (*loc, "sandbox"), "has no effect beside `content_sid`", "no-effect", hint="remove it"
        )
    if whatsapp.variables and whatsapp.content_sid is None:
        yield view.warning(
            (*loc, "variables"), "has no effect without `content_sid`", "no-effect", hint="remove it"
        )


def check_one_template(view: View) -> Iterator[Problem]:
    """TWILIO_WHATSAPP_CONTENT_SID is one template: two texts cannot share it."""
    declared = [
        (loc, channel.whatsapp.template)
        for loc, channel in view.channels()
        if channel.whatsapp is not None and channel.whatsapp.template and not channel.whatsapp.content_sid
    ]
    for loc, text in declared[1:]:
        if text != declared[0][1]:
            yield view.error(
                (*loc, "template"),
                "this is a second WhatsApp template, and TWILIO_WHATSAPP_CONTENT_SID names one",
                "whatsapp-template",
                hint="use the same text, or give this channel a `content_sid` of its own",
            )


def check_channels(view: View) -> Iterator[Problem]:
    """Each channel once, and a next one where the file counts on it."""
    seen: dict[tuple[str, str], int] = {}
    for index, (loc, channel) in enumerate(view.channels()):
        to = str(getattr(channel.settings, "to", "") or getattr(channel.settings, "url", ""))
        first = seen.setdefault((channel.kind, to), index)
        if first != index:
            yield view.warning(
                loc, f"this is the same as channel {first + 1}", "same-channel", hint="remove one"
            )
    fallback = view.spec.fallback
    if fallback is not None and fallback.escalate_after is not None and len(fallback.channels) == 1:
        yield view.warning(
            ("fallback", "escalate_after"),
            "there is no next channel to escalate to",
            "no-effect",
            hint="declare a second channel",
        )


def rendered(view: View, text: str) -> tuple[str, ...]:
    """The text for every kind of call that it can tell apart; nothing when it does not render."""
    try:
        return view.samples.rendered(text)
    except TemplateProblem:
        return ()  # reported by the check of templates


def septets(text: str) -> int:
    """How much room a text takes in GSM-7, without looking at each character."""
    return len(text) + sum(map(text.count, EXTENDED))
