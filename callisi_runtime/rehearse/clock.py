"""Virtual time: a heap of timers. It stands still until somebody lets it pass."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class Timer:
    """Something that happens at a moment; `order` decides between those that are due at the same moment."""

    at: float
    order: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Do not do it."""
        self.cancelled = True


class VirtualClock:
    """Seconds since the call was answered."""

    def __init__(self) -> None:
        self._now = 0.0
        self._timers: list[Timer] = []
        self._order = itertools.count()

    def now(self) -> float:
        """The present moment."""
        return self._now

    def later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Do something after `seconds`."""
        timer = Timer(self._now + max(0.0, seconds), next(self._order), action)
        heapq.heappush(self._timers, timer)
        return timer

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed."""
        over = asyncio.Event()
        timer = self.later(seconds, over.set)
        try:
            await over.wait()
        finally:
            timer.cancel()

    def next_at(self) -> float | None:
        """When the next timer is due; None when there is none."""
        while self._timers and self._timers[0].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0].at if self._timers else None

    def advance(self, until: float) -> bool:
        """Go to the next timer that is due by `until` and fire it; without one, go to `until`.

        Returns:
            Whether a timer fired.
        """
        due = self.next_at()
        if due is None or due > until:
            self._now = max(self._now, until)
            return False
        self._now = max(self._now, due)
        heapq.heappop(self._timers).action()
        return True
