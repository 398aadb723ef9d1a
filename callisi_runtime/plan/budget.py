"""`limits.cost` in numbers: what a machine may spend, and what the calls of a day have set aside."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from callisi_runtime.flow.longest import accept_minutes, agent_minutes, tail_seconds
from callisi_runtime.flow.model import MAX_NOTES, Budget, FlowPlan
from callisi_runtime.flow.purse import MARGIN
from callisi_runtime.money import money

if TYPE_CHECKING:
    from callisi_runtime.ledger.values import CallRow
    from callisi_runtime.spec import AgentSpec, CostLimit

MESSAGES = MAX_NOTES + 1
"""What one call may send: its own messages, and the one that it broke off."""
MINUTE = 60.0


def budget_of(limit: CostLimit, flow: FlowPlan) -> Budget:
    """The budget of one call, in millionths of the currency. `free` is negative where the limit is too small."""
    minute, forward = millionths(limit.minute), millionths(limit.forward_minute)
    return Budget(
        free=millionths(limit.per_call) - set_aside(limit, flow),
        turn=millionths(limit.turn),
        leg=forward * accept_minutes(flow),
        talk=minute + forward,
        seconds=agent_minutes(flow) * MINUTE - MARGIN,
        tail=tail_seconds(flow),
    )


def set_aside(limit: CostLimit, flow: FlowPlan) -> int:
    """What every call must be able to pay: the caller's whole time with the agent, and every message."""
    messages = MESSAGES * millionths(limit.message) if flow.channels else 0
    return millionths(limit.minute) * agent_minutes(flow) + messages


def millionths(amount: str | None) -> int:
    """An amount of the file; nothing where it is left out."""
    return money(amount).millionths if amount else 0


def day_start(spec: AgentSpec, moment: datetime) -> float:
    """Unix seconds of the midnight before, in the business's own time."""
    from callisi_runtime.plan.facts import DEFAULT_ZONE

    zone = ZoneInfo(spec.hours.timezone if spec.hours else DEFAULT_ZONE)
    return moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def day_has_funds(limit: CostLimit, others: Iterable[CallRow]) -> bool:
    """Whether one more call may cost what a call may. `others`: the day's other calls, those that go on included."""
    if limit.per_day is None:
        return True
    used = sum(cost_of(limit, row) for row in others)
    return used + millionths(limit.per_call) <= millionths(limit.per_day)


def cost_of(limit: CostLimit, row: CallRow) -> int:
    """The most that a call of the day has cost. One that goes on, or whose end nobody wrote down, counts as a whole."""
    whole = millionths(limit.per_call)
    flow: Any = (row.state or {}).get("flow")
    if row.ended is None or not isinstance(flow, dict):
        return whole
    minutes = ceil(max(1.0, row.ended - row.started) / MINUTE)
    paid, notes = int(flow.get("paid", 0)), int(flow.get("notes", 0))
    real = millionths(limit.minute) * minutes + millionths(limit.message) * (notes + 1) + paid
    return min(whole, real)
