"""What WhatsApp delivers: a text that Meta approves, from a sender that may send it, or the sandbox for trying out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from callisi_runtime.checks.messages import rendered
from callisi_runtime.checks.samples import USUAL
from callisi_runtime.checks.view import Loc, View
from callisi_runtime.errors import Problem
from callisi_runtime.phone import normalise, written
from callisi_runtime.plan.call_plan import content_sid_of
from callisi_runtime.plan.content import ContentTemplate, content_template, refusals
from callisi_runtime.spec import SANDBOX_NUMBER, WhatsApp
from callisi_runtime.spec.fallback import CONTENT_SID
from callisi_runtime.templates import TemplateProblem


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


def check_whatsapp_variables(view: View) -> Iterator[Problem]:
    """What stands in `.env` and takes the place of a key that the file leaves out."""
    content_sid = view.environ.get("TWILIO_WHATSAPP_CONTENT_SID", "").strip()
    sender = view.environ.get("TWILIO_WHATSAPP_FROM", "").strip()
    for loc, channel in view.channels():
        whatsapp = channel.whatsapp
        if whatsapp is None:
            continue
        by_environment = whatsapp.template and not whatsapp.content_sid
        if by_environment and content_sid and re.fullmatch(CONTENT_SID, content_sid) is None:
            allowed = "HX and 32 letters and digits"
            yield _bad_variable(view, loc, "TWILIO_WHATSAPP_CONTENT_SID", content_sid, allowed)
        if whatsapp.sender is None and sender and normalise(sender).e164 is None:
            allowed = "a telephone number: whatsapp:+49 30 1234567"
            yield _bad_variable(view, loc, "TWILIO_WHATSAPP_FROM", sender, allowed)


def _bad_variable(view: View, loc: Loc, name: str, value: str, allowed: str) -> Problem:
    return view.error(
        loc,
        f"{name} is not what it should be",
        "bad-variable",
        got=f"'{value}'",
        allowed=allowed,
        hint="mend it",
    )


def known_template(view: View, whatsapp: WhatsApp) -> bool:
    """Whether there is the id of an approved template, in the file or for a declared text in the environment."""
    from callisi_runtime.settings import Settings

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
