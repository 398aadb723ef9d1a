"""An event loop in virtual time: where everybody sleeps, time jumps. Database work is done inside the loop.

So everything that the product does with `asyncio.sleep`, `asyncio.timeout` and `loop.time()` runs unchanged, hours pass
in milliseconds, and the same seed gives the same course to the last detail.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from random import Random
from typing import Any

from callisi_runtime.simulate.process import current_process, owned_task

RESOLUTION = 1e-6
"""Seconds by which something may be done early."""
USUAL_WRITE = (0.0005, 0.004)
SLOW_WRITE = (0.2, 3.0)
"""Seconds that a database takes when another process holds its lock."""
SLOW_SHARE = 0.01


class LeapingSelector(selectors.DefaultSelector):
    """Never waits: tells the loop how far it may jump."""

    leap: Callable[[float], None]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; without that, the time passes at once."""
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("the simulation waits for something that never comes")
            if timeout > 0:
                self.leap(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Virtual time. `rng` decides how long the database takes; the simulation sets it anew for each call."""

    def __init__(self) -> None:
        self._virtual = 0.0
        self.rng = Random(0)
        selector = LeapingSelector()
        selector.leap = self._leap
        super().__init__(selector)
        # After half a year of virtual time, a nanosecond is less than a float can tell: what is due would never be.
        self._clock_resolution = RESOLUTION
        self.set_task_factory(owned_task)  # type: ignore[arg-type]  # the stub knows no options

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual

    def _leap(self, seconds: float) -> None:
        self._virtual += seconds

    def run_in_executor(  # type: ignore[override]  # the executor's type is never looked at
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run the work inside the loop, some virtual time from now; its result is known some time after that.

        What a process that was killed had asked for is not begun; what had begun is done, and nobody learns of it.
        """
        future: asyncio.Future[Any] = self.create_future()
        owner = current_process()

        def begin() -> None:
            if owner is not None and owner.dead:
                future.cancel()
            else:
                work(func, args, future, self, self._seconds())

        self.call_later(self._seconds(), begin)
        return future

    def _seconds(self) -> float:
        between = SLOW_WRITE if self.rng.random() < SLOW_SHARE else USUAL_WRITE
        return self.rng.uniform(*between)


def work(
    func: Callable[..., Any],
    args: tuple[Any, ...],
    future: asyncio.Future[Any],
    loop: asyncio.AbstractEventLoop,
    later: float,
) -> None:
    """Do it now, and tell it later."""
    try:
        result = func(*args)
    except Exception as error:
        loop.call_later(later, _tell, future, None, error)
    else:
        loop.call_later(later, _tell, future, result, None)


def _tell(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
