"""The shapes of plan that a file can have."""

from __future__ import annotations

from callisi_runtime.flow import FlowPlan
from callisi_runtime.flow.model import Budget

BASIC = FlowPlan()
TRANSFER = FlowPlan(ring_timeouts=(25,))
CLARA = FlowPlan(ring_timeouts=(25,), channels=("sms",))

LIMITED = FlowPlan(
    ring_timeouts=(25,),
    channels=("sms",),
    then_hang_up=True,
    budget=Budget(free=900, turn=10, leg=50, talk=100, seconds=1200.0, tail=300.0),
)

SHAPES: dict[str, FlowPlan] = {
    "basic": BASIC,
    "transfer only": TRANSFER,
    "channels only": FlowPlan(channels=("sms", "email")),
    "transfer and sms": CLARA,
    "transfer and two channels": FlowPlan(ring_timeouts=(25,), channels=("sms", "email")),
    "asks for a message": FlowPlan(ring_timeouts=(25,), channels=("sms",), ask_message=True),
    "hangs up after the message": FlowPlan(ring_timeouts=(25,), channels=("sms",), then_hang_up=True),
    "comes back": FlowPlan(ring_timeouts=(25,), channels=("sms",), returns=True),
    "refers": FlowPlan(ring_timeouts=(25,), channels=("sms",), refer=True),
    "two at once": FlowPlan(ring_timeouts=(25, 20), channels=("sms",), at_once=True),
    "three in order": FlowPlan(ring_timeouts=(25, 20, 15), channels=("sms",)),
    "takes an answer for acceptance": FlowPlan(ring_timeouts=(25,), channels=("sms",), accept="answer"),
    "takes any key for acceptance": FlowPlan(ring_timeouts=(25,), channels=("sms",), accept="any_key"),
    "has a limit": LIMITED,
    "asks while it rings": FlowPlan(ring_timeouts=(25,), channels=("sms",), ask_while_ringing=True),
}
