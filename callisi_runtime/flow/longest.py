"""How long a call can last at most, by the machine's own timers. In started minutes, as providers bill them."""

from __future__ import annotations

from math import ceil

from callisi_runtime.flow.dialling import longest_transfer
from callisi_runtime.flow.model import MAX_NOTES, MAX_TRANSFERS, FlowPlan
from callisi_runtime.flow.moves import LAST_WORDS_SECONDS
from callisi_runtime.flow.talking import OVERRUN_SECONDS

MINUTE = 60.0


def agent_minutes(plan: FlowPlan) -> int:
    """Minutes that a caller can spend with the agent, ringing and messages included.

    When the time of the talk is over, what runs is seen to first: at most every transfer and every message that a
    call may have, one more overrun, and the last words.
    """
    ringing = MAX_TRANSFERS * longest_transfer(plan, tuple(range(len(plan.ring_timeouts))))
    asking = 3 * plan.caller_silence if plan.ask_message else 0.0
    messages = MAX_NOTES * (plan.patience + asking + OVERRUN_SECONDS) if plan.channels else 0.0
    times = MAX_TRANSFERS if plan.returns else 1
    talking = plan.call_seconds * times + OVERRUN_SECONDS + LAST_WORDS_SECONDS
    return ceil((talking + ringing + messages) / MINUTE)


def talk_minutes(plan: FlowPlan) -> int:
    """Minutes that a caller can talk with people."""
    if not plan.ring_timeouts:
        return 0
    times = MAX_TRANSFERS if plan.returns else 1
    return ceil(plan.talk_seconds / MINUTE) * times


def accept_minutes(plan: FlowPlan) -> int:
    """Minutes that are billed for a telephone that was picked up, and whose person or mailbox did not take the call."""
    return max(1, ceil(plan.accept_timeout / MINUTE))
