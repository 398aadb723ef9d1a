"""Times that contradict each other, or that no caller would sit through."""

from __future__ import annotations

from collections.abc import Iterator

from callisi_runtime.checks.speech import seconds_to_say
from callisi_runtime.checks.view import View
from callisi_runtime.errors import Problem
from callisi_runtime.hours import weekly_quarters
from callisi_runtime.templates import TemplateProblem

MAILBOX_SECONDS = 30
"""Most mailboxes have answered by then."""
HURRIED_SECONDS = 12
"""Two or three rings: nobody has got up yet."""
PATIENCE_SECONDS = 90
"""What a caller listens to a ringing tone for."""


def check_ring_timeouts(view: View) -> Iterator[Problem]:
    """Long enough to get up, short enough that no mailbox answers."""
    transfer = view.spec.transfer
    if transfer is None:
        return
    places = [(("transfer", "ring_timeout"), transfer.ring_timeout)]
    for index, target in enumerate(transfer.to):
        if target.ring_timeout is not None:
            places.append((("transfer", "to", index, "ring_timeout"), target.ring_timeout))  # type: ignore[arg-type]
    for loc, seconds in places:
        if seconds > MAILBOX_SECONDS:
            yield view.warning(
                loc,
                "mailboxes answer after 15 to 25 seconds",
                "ring-timeout",
                got=f"{seconds} s",
                hint=f"at most {MAILBOX_SECONDS} is usual",
            )
        elif seconds < HURRIED_SECONDS:
            yield view.warning(
                loc,
                "nobody gets to the telephone that fast",
                "ring-timeout",
                got=f"{seconds} s",
                hint=f"at least {HURRIED_SECONDS} is usual; it counts from dialling, not from the first ring",
            )


def check_ringing_altogether(view: View) -> Iterator[Problem]:
    """How long a caller listens to ringing when nobody at all picks up."""
    transfer = view.spec.transfer
    if transfer is None or transfer.order == "at_once":
        return
    total = sum(transfer.ring_timeout_of(index) for index in range(len(transfer.to)))
    if total >= view.spec.limits.max_minutes * 60:
        yield view.error(
            ("transfer", "to"),
            f"{len(transfer.to)} numbers ring for {total} s in turn, which is longer than a call may last",
            "times",
            got=f"limits.max_minutes: {view.spec.limits.max_minutes}",
            hint="write `order: at_once`, or fewer numbers",
        )
    elif total > PATIENCE_SECONDS and len(transfer.to) > 1:
        yield view.warning(
            ("transfer", "to"),
            f"{len(transfer.to)} numbers ring for up to {total} s in turn, and few callers wait that long",
            "times",
            hint="write `order: at_once`, or a shorter `ring_timeout`",
        )


def check_word_every(view: View) -> Iterator[Problem]:
    """The word between the rings must come before the ringing ends."""
    transfer = view.spec.transfer
    if transfer is None or not view.wrote("transfer", "word_every"):
        return
    longest = max(transfer.ring_timeout_of(index) for index in range(len(transfer.to)))
    if transfer.word_every >= longest:
        yield view.warning(
            ("transfer", "word_every"),
            f"`say.still_ringing` would never be said: it rings for {longest} s",
            "times",
            hint="a value between 6 and 12 is usual",
        )


def check_acceptance(view: View) -> Iterator[Problem]:
    """Whoever picks up must have the time to hear which key to press, and a key that counts."""
    transfer = view.spec.transfer
    if transfer is None:
        return
    if transfer.mode == "refer" or transfer.accept == "answer":
        why = (
            "`mode: refer` hands the call over unproven"
            if transfer.mode == "refer"
            else "`accept: answer` asks for no key"
        )
        for key in ("accept", "accept_timeout"):
            if view.wrote("transfer", key) and (key, transfer.accept) != ("accept", "answer"):
                yield view.warning(("transfer", key), f"has no effect: {why}", "no-effect", hint="remove it")
        return
    takes = _prompt_seconds(view)
    if takes > transfer.accept_timeout:
        yield view.warning(
            ("transfer", "accept_timeout"),
            f"saying `transfer.say.prompt` takes about {takes:.0f} s, longer than the telephone has to accept",
            "times",
            got=f"{transfer.accept_timeout:g} s",
            hint="raise `accept_timeout`, or shorten the prompt",
        )


def check_silence(view: View) -> Iterator[Problem]:
    """Nothing may wait longer than the silence that the file promises never to exceed."""
    spec = view.spec
    if spec.voice.first_word > spec.limits.silence:
        yield view.error(
            ("voice", "first_word"),
            "the caller would hear silence for longer than `limits.silence` allows",
            "times",
            got=f"{spec.voice.first_word:g} s",
            allowed=f"at most {spec.limits.silence:g} s",
        )
    if spec.limits.caller_silence <= spec.voice.turn.max_delay:
        yield view.error(
            ("limits", "caller_silence"),
            "the caller would be asked whether they are there before their turn is over",
            "times",
            got=f"{spec.limits.caller_silence:g} s",
            allowed=f"more than voice.turn.max_delay, {spec.voice.turn.max_delay:g} s",
        )


def check_patience(view: View) -> Iterator[Problem]:
    """Providers take a second or two; whoever waits less never hears that it worked."""
    fallback = view.spec.fallback
    if fallback is not None and fallback.patience < 2:
        yield view.warning(
            ("fallback", "patience"),
            "providers take one to two seconds, so callers would hear `say.trying` instead of `say.notified`",
            "times",
            got=f"{fallback.patience:g} s",
            hint="4 to 10 is usual",
        )


def check_target_hours(view: View) -> Iterator[Problem]:
    """A number whose hours lie outside the agent's own is never dialled."""
    spec = view.spec
    for index, target in enumerate(spec.transfer.to if spec.transfer else ()):
        if target.hours is None or spec.hours is None or target.hours.timezone != spec.hours.timezone:
            continue
        if not weekly_quarters(target.hours) & weekly_quarters(spec.hours):
            yield view.warning(
                ("transfer", "to", index, "hours"),
                "this number is never dialled: its hours lie outside the agent's own `hours`",
                "times",
            )


def _prompt_seconds(view: View) -> float:
    transfer = view.spec.transfer
    assert transfer is not None
    try:
        return seconds_to_say(view.samples.rendered(transfer.say.prompt)[0])
    except TemplateProblem:
        return 0.0  # reported by the check of templates
