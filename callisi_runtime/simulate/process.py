"""A process that can be killed: everything that runs in it stops at once, and it writes nothing any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any

log = logging.getLogger("callisi.simulate")

_OWNER: ContextVar[Process | None] = ContextVar("callisi_simulated_process", default=None)


class Process:
    """One simulated process.

    Args:
        dies_at: The point, counted from 1, at which it is killed; None: at none.
    """

    def __init__(self, dies_at: int | None = None) -> None:
        self.dies_at = dies_at
        self.points = 0
        self.dead = False
        self.over = asyncio.Event()
        """It was killed, or it has ended."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in this process; when it returns, the process ends, and what still runs in it is cut off."""
        context = copy_context()
        context.run(_OWNER.set, self)
        task = asyncio.get_running_loop().create_task(work, context=context)
        task.add_done_callback(self._ended)

    def own(self, task: asyncio.Task[Any]) -> None:
        """The task belongs to this process; a dead one has none."""
        if self.dead:
            task.cancel()
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def point(self) -> None:
        """A moment at which it may be killed."""
        self.points += 1
        if self.points == self.dies_at:
            self.kill()
        if self.dead:
            raise asyncio.CancelledError

    def kill(self) -> None:
        """SIGKILL."""
        if self.dead:
            return
        self.dead = True
        self._cancel()
        self.over.set()

    def _cancel(self) -> None:
        """Until nothing is left: Python 3.11's `wait_for` may swallow a cancellation."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            asyncio.get_running_loop().call_later(0.001, self._cancel)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            log.error("a process ended", exc_info=task.exception())
        self.kill()

    def later(self, seconds: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        """Do something in this process, if it still lives then."""

        def act() -> None:
            if not self.dead:
                action()

        return asyncio.get_running_loop().call_later(seconds, act)


def current_process() -> Process | None:
    """The process in which the present code runs; None outside all."""
    return _OWNER.get()


def owned_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    """The loop's task factory: a task belongs to the process that makes it."""
    context = options.get("context")
    task = asyncio.Task(work, loop=loop, **options)
    owner = context.get(_OWNER) if context is not None else _OWNER.get()
    if owner is not None:
        owner.own(task)
    return task
