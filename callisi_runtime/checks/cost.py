"""A limit on money that no call could be answered under, or that cannot be kept."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from callisi_runtime.checks.view import View
from callisi_runtime.errors import Problem
from callisi_runtime.money import MILLIONTHS, Money, money

LOC = ("limits", "cost")
PAID_CHANNELS = ("sms", "whatsapp")


def check_prices(view: View) -> Iterator[Problem]:
    """Every price that the limit must be reckoned with."""
    limit, spec = view.spec.limits.cost, view.spec
    if limit is None:
        return
    if spec.transfer is not None and limit.forward_minute is None:
        yield _missing(view, "forward_minute", "`transfer` dials people")
    kinds = {channel.kind for _, channel in view.channels()}
    if limit.message is None and kinds & set(PAID_CHANNELS):
        yield _missing(
            view, "message", f"`fallback` sends by {' and '.join(sorted(kinds & set(PAID_CHANNELS)))}"
        )
    if spec.transfer is not None and spec.transfer.mode == "refer":
        yield view.error(
            ("transfer", "mode"),
            "a call that was handed to the carrier costs on without us, so `limits.cost` cannot be kept",
            "cost-limit",
            got="refer",
            hint="use `mode: bridge`, or take `limits.cost` away",
        )


def _missing(view: View, key: str, why: str) -> Problem:
    return view.error(
        LOC, f"`limits.cost.{key}` is missing: {why}", "cost-limit", hint="`callisi cost` shows prices"
    )


def check_enough(view: View) -> Iterator[Problem]:
    """A call must have its time, its messages, one answer, and one transfer where there is one."""
    limit = view.spec.limits.cost
    if limit is None:
        return
    # the machine, which files without a limit are checked without
    from callisi_runtime.flow.longest import agent_minutes
    from callisi_runtime.flow.purse import LEAST_TALK, transfer_cost
    from callisi_runtime.plan import flow_plan
    from callisi_runtime.plan.budget import set_aside

    flow = flow_plan(view.spec)
    budget = flow.budget
    assert budget is not None  # there is a limit
    transfer = transfer_cost(flow, budget) if flow.ring_timeouts else 0
    needed = set_aside(limit, flow) + budget.turn + transfer
    if budget.free >= budget.turn + transfer:
        return
    currency = money(limit.per_call).currency
    least = Money(Decimal(needed) / MILLIONTHS, currency)
    talk = f", and a transfer with {LEAST_TALK} minutes of talk" if flow.ring_timeouts else ""
    yield view.error(
        (*LOC, "per_call"),
        f"no call can be answered under this limit: {agent_minutes(flow)} minutes of line, every message, "
        f"one answer{talk} take {least}",
        "cost-limit",
        got=limit.per_call,
        allowed=f"at least {least}",
        hint="raise it, or lower `limits.max_minutes`",
    )
