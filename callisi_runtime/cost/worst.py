"""The longest call that a plan allows, from the machine's own timers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from callisi_runtime.cost.mix import Minutes
from callisi_runtime.flow.longest import accept_minutes, agent_minutes, talk_minutes
from callisi_runtime.flow.model import MAX_TRANSFERS

if TYPE_CHECKING:
    from callisi_runtime.flow.model import FlowPlan


def worst_call(plan: FlowPlan) -> Minutes:
    """Minutes of the longest call: the agent's whole time, and every transfer as long as the file allows.

    A person is talked with once, unless the agent returns; what else was dialled were mailboxes.
    """
    agent = agent_minutes(plan)
    talks = talk_minutes(plan)
    person = talks + MAX_TRANSFERS * len(plan.ring_timeouts) * accept_minutes(plan)
    return Minutes(Decimal(agent + talks), Decimal(person), Decimal(agent))
