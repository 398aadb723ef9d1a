"""What an agent uses in a month, and in the dearest call that can be: quantities, without any price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Literal

from callisi_runtime.cost.mix import Minutes, Mix, minutes_of
from callisi_runtime.cost.worst import worst_call
from callisi_runtime.plan import sample_call
from callisi_runtime.render import render_agent

if TYPE_CHECKING:
    from callisi_runtime.cost.prices import Unit
    from callisi_runtime.plan import CallPlan
    from callisi_runtime.spec import Provider

MILLION = 1_000_000
CHARACTERS_PER_TOKEN = 3
"""German text; a tokenizer counts more tokens than in English."""
CHARACTERS_PER_MINUTE = 900
"""Spoken German."""


@dataclass(frozen=True, slots=True)
class Talk:
    """How caller and agent talk. Assumptions, shown with every estimate."""

    turns: Decimal = Decimal(3)
    """Answers of the language model in a minute."""
    answer: int = 150
    """Characters of an answer."""
    question: int = 80
    """Characters of what the caller says."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that is paid for."""

    item: str
    """Its name in `prices.yaml`."""
    what: str
    per: tuple[Unit, ...]
    """Units in which its price may be given."""
    amounts: tuple[Decimal, ...]
    """How much in a month, for each of these units."""
    worst: tuple[Decimal, ...]
    """How much in the dearest call, for each of these units."""
    scope: Literal["month", "call"] = "call"
    """`month`: paid for even if nobody calls."""


def needs_of(plan: CallPlan, mix: Mix, talk: Talk, *, cloud: bool = True) -> tuple[Need, ...]:
    """Everything that is paid for.

    Args:
        plan: The agent.
        mix: The month.
        talk: How caller and agent talk.
        cloud: Whether the rooms are LiveKit's, and not on a server of one's own.
    """
    accept = Decimal(str(plan.flow.accept_timeout))
    if not plan.flow.ring_timeouts:
        mix = replace(mix, human=Decimal(0))
    minutes, worst = minutes_of(mix, accept), worst_call(plan.flow)
    return (
        *_telephone(plan, mix, minutes, worst),
        *(_livekit(mix, minutes, worst) if cloud else ()),
        _monthly("machine.month", "the machine on which Callisi runs"),
        *_providers(plan, mix, talk, minutes, worst),
        *_messages(plan, mix),
    )


def _need(item: str, what: str, per: Unit, amount: Decimal, worst: Decimal) -> Need:
    return Need(item, what, (per,), (amount,), (worst,))


def _monthly(item: str, what: str) -> Need:
    return Need(item, what, ("month",), (Decimal(1),), (Decimal(0),), "month")


def _telephone(plan: CallPlan, mix: Mix, minutes: Minutes, worst: Minutes) -> Iterator[Need]:
    yield _monthly("twilio.number", "the telephone number")
    yield _need("twilio.in", "callers' legs", "minute", mix.calls * minutes.caller, worst.caller)
    if plan.flow.ring_timeouts:
        yield _need("twilio.out", "legs to people", "minute", mix.calls * minutes.person, worst.person)


def _livekit(mix: Mix, minutes: Minutes, worst: Minutes) -> Iterator[Need]:
    yield _monthly("livekit.month", "the LiveKit plan")
    yield _need(
        "livekit.sip", "LiveKit, telephone legs", "minute",
        mix.calls * (minutes.caller + minutes.person), worst.caller + worst.person,
    )  # fmt: skip
    yield _need(
        "livekit.participant", "LiveKit, the agent in the room", "minute",
        mix.calls * minutes.caller, worst.caller,
    )  # fmt: skip


def _providers(plan: CallPlan, mix: Mix, talk: Talk, minutes: Minutes, worst: Minutes) -> Iterator[Need]:
    """The month: the first provider of each list. The worst: every one, because who fails is paid as well."""
    voice = plan.spec.voice
    month, most = mix.calls * minutes.agent, worst.agent
    for what, usual, one in _in_order(voice.stt, "transcriber"):
        yield _need(f"stt.{one}", what, "minute", usual * month, most)
    prompt = len(plan.prompt(sample_call())) + 250 * len(plan.spec.tools)
    for what, usual, one in _in_order(voice.llm, "language model"):
        for name, tokens in (("input", partial(tokens_in, prompt)), ("output", tokens_out)):
            yield _need(
                f"llm.{one}.{name}", f"{what}, {name}", "million_tokens",
                usual * mix.calls * tokens(talk, minutes.agent) / MILLION,
                asked_at_most(voice.llm) * tokens(talk, most) / MILLION,
            )  # fmt: skip
    said = talk.turns * most * talk.answer
    for what, usual, one in _in_order(voice.tts, "voice"):
        spoken = usual * talk.turns * month * talk.answer
        yield Need(
            f"tts.{one}", what, ("million_characters", "minute"),
            (spoken / MILLION, spoken / CHARACTERS_PER_MINUTE), (said / MILLION, said / CHARACTERS_PER_MINUTE),
        )  # fmt: skip


def _in_order(providers: Sequence[Provider], what: str) -> Iterator[tuple[str, int, str]]:
    """What it is, how often in a usual call, and its name: each provider of a list once."""
    names = dict.fromkeys(one.short() for one in providers)
    for place, name in enumerate(names):
        yield (f"{what}, when others fail" if place else what), int(place == 0), name


def asked_at_most(llm: Sequence[Provider]) -> int:
    """How often each model is asked for one answer: in a list, one that fails is asked again to see if it is back."""
    return 2 if len(llm) > 1 else 1


def tokens_in(prompt: int, talk: Talk, minutes: Decimal) -> Decimal:
    """Tokens that one call sends to the model: with each turn the prompt and everything said before."""
    turns = talk.turns * minutes
    before = turns / 2 * (talk.answer + talk.question)
    return turns * (prompt + before) / CHARACTERS_PER_TOKEN


def tokens_out(talk: Talk, minutes: Decimal) -> Decimal:
    """Tokens that the model answers in one call."""
    return talk.turns * minutes * talk.answer / CHARACTERS_PER_TOKEN


MESSAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "sms": (("twilio.sms", "SMS, each part"),),
    "whatsapp": (
        ("twilio.whatsapp", "WhatsApp, Twilio's fee"),
        ("meta.utility", "WhatsApp, Meta's fee for a template"),
    ),
}
"""Channels that cost -> what is paid for. E-mail and webhook cost nothing by the piece."""
SENDS = 2
"""How often one message is paid for on one channel: where a telephone was off, it is sent once more."""


def _messages(plan: CallPlan, mix: Mix) -> Iterator[Need]:
    """The month: one message per missed call, on the first channel. The worst: every message, on every channel."""
    from callisi_runtime.flow.model import MAX_NOTES

    parts = parts_of(plan)
    missed = mix.calls * mix.missed
    for kind in dict.fromkeys(plan.flow.channels):
        usual, most = parts[kind]
        first = plan.flow.channels[0] == kind
        tries = plan.flow.channels.count(kind) * MAX_NOTES * SENDS
        for item, what in MESSAGES.get(kind, ()):
            per_call = missed * usual if first else Decimal(0)
            yield _need(item, what, "message", per_call, Decimal(tries * most))


def parts_of(plan: CallPlan) -> dict[str, tuple[int, int]]:
    """Channel -> parts of its usual and of its longest message, counted in the agent's own texts."""
    found: dict[str, list[int]] = {}
    for hidden in (False, True):
        for one in render_agent(plan.spec, hidden=hidden).notifications:
            found.setdefault(one.channel, []).append(one.size.segments if one.size else 1)
    usual = {
        one.channel: one.size.segments if one.size else 1
        for one in render_agent(plan.spec).notifications
        if one.outcome == "rang_out"
    }
    return {channel: (usual.get(channel, 1), max(sizes)) for channel, sizes in found.items()}
