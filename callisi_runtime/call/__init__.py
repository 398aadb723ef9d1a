"""One call under way: the machine, its timers, its speech and its books, whatever line it runs on."""

from __future__ import annotations

from callisi_runtime.call.books import Books, Delivery, NoBooks
from callisi_runtime.call.hands import Clock, Hands, LoopClock
from callisi_runtime.call.hearing import Hearing
from callisi_runtime.call.record import CallRecord, Entry
from callisi_runtime.call.runner import CallRunner

__all__ = [
    "Books",
    "CallRecord",
    "CallRunner",
    "Clock",
    "Delivery",
    "Entry",
    "Hands",
    "Hearing",
    "LoopClock",
    "NoBooks",
]
