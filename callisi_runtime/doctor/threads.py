"""Blocking work beside the event loop, in threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Do the work in a thread of its own and return what it returns, or raise what it raises.

    Unlike `asyncio.to_thread` there is no pool that a few hanging providers could fill, and the process ends
    without waiting for a thread that hangs.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type]  # without an error it is a T
        else:
            done.set_exception(error)

    def run() -> None:
        try:
            result, error = work(), None
        except BaseException as raised:
            result, error = None, raised
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody listens any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="callisi-doctor", daemon=True).start()
    return await done
