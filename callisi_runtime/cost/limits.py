"""Prices for `limits.cost`: the highest that each thing in a call can cost, from the prices that are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from callisi_runtime.cost.estimate import converted
from callisi_runtime.cost.needs import (
    CHARACTERS_PER_MINUTE,
    CHARACTERS_PER_TOKEN,
    MESSAGES,
    MILLION,
    SENDS,
    Talk,
    asked_at_most,
    parts_of,
)
from callisi_runtime.flow.longest import agent_minutes
from callisi_runtime.money import Money, plain, total
from callisi_runtime.plan import sample_call

if TYPE_CHECKING:
    from callisi_runtime.cost.estimate import Estimate, Row
    from callisi_runtime.plan import CallPlan

LONG_ANSWER = 4
"""The longest answer that is reckoned with, in usual answers."""
REQUESTS = 4
"""Requests to the model for one answer: LiveKit lets it call tools three times before it must speak."""
STEP = Decimal("0.0001")


def limit_prices(plan: CallPlan, talk: Talk, found: Estimate) -> dict[str, Money]:
    """The keys of `limits.cost` -> what to write there, rounded up. Needs every price (`found.missing` is empty)."""
    rows = {row.need.item: row for row in found.rows}
    kinds = [item for kind in plan.flow.channels for item, _ in MESSAGES.get(kind, ())]
    parts = parts_of(plan)
    prices = {
        "minute": _sum(found, rows, _each(rows, "twilio.in", "livekit.", "stt.")),
        "turn": _sum(found, rows, _turn(plan, talk, rows)),
    }
    if plan.flow.ring_timeouts:
        prices["forward_minute"] = _sum(found, rows, _each(rows, "twilio.out", "livekit.sip"))
    if kinds:
        most = {item: Decimal(SENDS * kinds.count(item) * _most(item, parts)) for item in kinds}
        prices["message"] = _sum(found, rows, most)
    return prices


def _each(rows: Iterable[str], *prefixes: str) -> dict[str, Decimal]:
    return {item: Decimal(1) for item in rows if item.startswith(prefixes) and item != "livekit.month"}


def _most(item: str, parts: Mapping[str, tuple[int, int]]) -> int:
    kind = next(kind for kind, items in MESSAGES.items() if item in dict(items))
    return parts[kind][1]


def _turn(plan: CallPlan, talk: Talk, rows: Mapping[str, Row]) -> dict[str, Decimal]:
    """The last answer of the longest call, asked for with everything said before, of every model in the list."""
    answer = talk.answer * LONG_ANSWER
    said = talk.turns * agent_minutes(plan.flow) * (talk.answer + talk.question)
    requests = REQUESTS * asked_at_most(plan.spec.voice.llm)
    sent = requests * (len(plan.prompt(sample_call())) + 250 * len(plan.spec.tools) + said)
    spoken = {
        "million_characters": Decimal(answer) / MILLION,
        "minute": Decimal(answer) / CHARACTERS_PER_MINUTE,
    }
    found: dict[str, Decimal] = {}
    for item, row in rows.items():
        if item.startswith("llm."):
            characters = sent if item.endswith(".input") else Decimal(requests * answer)
            found[item] = characters / CHARACTERS_PER_TOKEN / MILLION
        elif item.startswith("tts."):
            found[item] = spoken[row.need.per[row.unit]]
    return found


def _sum(found: Estimate, rows: Mapping[str, Row], amounts: Mapping[str, Decimal]) -> Money:
    costs = (cost for item, amount in amounts.items() if (cost := rows[item].cost(amount)) is not None)
    exact = total((converted(cost, found.rates, found.currency) for cost in costs), found.currency)
    return Money(exact.amount.quantize(STEP, ROUND_CEILING), exact.currency)


def limit_text(prices: Mapping[str, Money]) -> str:
    """The block for the agent's file; what a call may cost is for its owner to say."""
    lines = [
        "limits:",
        "  cost:",
        "    # per_call: what one call may cost; `callisi validate` says what is too little",
    ]
    lines += [f"    {key}: {plain(price.amount)} {price.currency}" for key, price in prices.items()]
    return "\n".join(lines)
