"""How long a call can last at most, by the machine's own timers. In started minutes, as providers bill them."""

from __future__ import annotations

from math import ceil

from callisi_runtime.flow.dialling import longest_transfer
from callisi_runtime.flow.model import MAX_NOTES, MAX_TRANSFERS, FlowPlan
from callisi_runtime.flow.moves import LAST_WORDS_SECONDS
from callisi_runtime.flow.talking import OVERRUN_SECONDS

MINUTE = 60.0


def agent_minutes(plan: FlowPlan) -> int:
    """Minutes that a caller can spend with the agent, ringing and messages included."""
    times = MAX_TRANSFERS if plan.returns else 1
    return ceil((plan.call_seconds * times + tail_seconds(plan)) / MINUTE)


def tail_seconds(plan: FlowPlan) -> float:
    """Seconds that a call can last when the time of the talk is over: what runs is seen to first.

    At most every transfer and every message that a call may have. Each of them may be asked for at the end of last
    words, wait for a sentence that hangs, and be followed by one more overrun; see `tests/flow/test_longest.py`.
    """
    transfers = MAX_TRANSFERS if plan.ring_timeouts else 0
    ringing = transfers * longest_transfer(plan, tuple(range(len(plan.ring_timeouts)))) if transfers else 0.0
    asking = 3 * plan.caller_silence if plan.ask_message else 0.0
    messages = MAX_NOTES if plan.channels else 0
    last_words = OVERRUN_SECONDS + LAST_WORDS_SECONDS
    return ringing + messages * (plan.patience + asking) + last_words * (1 + 2 * (transfers + messages))


def talk_minutes(plan: FlowPlan) -> int:
    """Minutes that a caller can talk with people."""
    if not plan.ring_timeouts:
        return 0
    times = MAX_TRANSFERS if plan.returns else 1
    return ceil(plan.talk_seconds / MINUTE) * times


def accept_minutes(plan: FlowPlan) -> int:
    """Minutes that are billed for a telephone that was picked up, and whose person or mailbox did not take the call."""
    return max(1, ceil(plan.accept_timeout / MINUTE))
