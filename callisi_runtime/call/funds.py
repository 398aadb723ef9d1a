"""Whether the day has money for one more call, by the ledger."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from callisi_runtime.ledger.queries import calls_of
from callisi_runtime.plan.budget import day_has_funds, day_start

if TYPE_CHECKING:
    from callisi_runtime.ledger import Ledger
    from callisi_runtime.plan import CallFacts, CallPlan

log = logging.getLogger("callisi.call")

LOOK_SECONDS = 1.0
"""How long a caller waits for this before the greeting."""


async def funds_of_the_day(plan: CallPlan, ledger: Ledger, facts: CallFacts) -> bool:
    """Whether this call may cost what a call may cost.

    Each call writes itself down before it looks, and counts every other one that is written down, those that go on as
    a whole: of two that begin at once, at least one sees the other. A ledger that does not answer refuses nobody: each
    call has its own limit still.
    """
    limit = plan.spec.limits.cost
    if limit is None or limit.per_day is None:
        return True
    since = day_start(plan.spec, facts.started)
    try:
        rows = await asyncio.wait_for(ledger.read(calls_of, plan.spec.name, since), LOOK_SECONDS)
    except Exception as error:
        log.warning("the day's cost cannot be read: %s", type(error).__name__)
        return True
    others = [row for row in rows if row.id != facts.id]
    funds = day_has_funds(limit, others)
    if not funds:
        log.warning("the day's cost is used up: this call is answered without model and transfer")
    return funds
