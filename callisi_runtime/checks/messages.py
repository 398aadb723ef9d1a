"""The messages to staff, as they would go out: how many parts an SMS has, which channel comes next."""

from __future__ import annotations

from collections.abc import Iterator

from callisi_runtime.checks.view import Loc, View
from callisi_runtime.errors import Problem
from callisi_runtime.notify.gsm7 import BASIC, EXTENDED, measure, sanitise
from callisi_runtime.plan.call_plan import with_reference
from callisi_runtime.source.positions import dotted
from callisi_runtime.spec import Sms
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
    path = dotted(loc)
    view.sizes[path] = max(size, view.sizes.get(path, size), key=lambda one: one.length)
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
            "there is no next channel to escalate to: only the log and `callisi doctor` tell of a callback that "
            "nobody takes over",
            "no-effect",
            hint="declare a second channel",
        )


def check_answers(view: View) -> Iterator[Problem]:
    """Where a callback waits for somebody to take it over, every message must offer a way to."""
    fallback = view.spec.fallback
    if fallback is None or fallback.escalate_after is None:
        return
    link = "set CALLISI_PUBLIC_URL"
    has_link = bool(view.environ.get("CALLISI_PUBLIC_URL"))
    for loc, channel in view.channels():
        if channel.sms is not None and channel.sms.sender and not channel.sms.sender.startswith("+"):
            if has_link and "claim.url" in channel.sms.message:
                continue
            yield view.warning(
                (*loc, "from"),
                "nobody can answer a sender that is a name, so nobody can take the callback over with `1`",
                "no-answer-possible",
                got=channel.sms.sender,
                hint=f"send from a number, or {link} and put {{{{ claim.url }}}} into `message`",
            )
        elif channel.kind == "email" and not has_link:
            yield view.warning(
                loc,
                "nobody can take the callback over from this message: it carries a link for that, but there is none",
                "no-answer-possible",
                hint=link,
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
