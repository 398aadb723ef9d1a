"""What a line must be able to do for the machine, and the clock it lives by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Cancellable(Protocol):
    """A timer that can be stopped."""

    def cancel(self) -> None:
        """Stop it; a timer that has fired is left alone."""


class Clock(Protocol):
    """Time: real on a telephone line, virtual in a rehearsal."""

    def now(self) -> float:
        """Seconds since the call was answered."""

    def later(self, seconds: float, action: Callable[[], None]) -> Cancellable:
        """Do something after `seconds`."""


class LoopClock:
    """The event loop's own time."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def now(self) -> float:
        """Seconds since the clock was made."""
        return time.monotonic() - self.start

    def later(self, seconds: float, action: Callable[[], None]) -> Cancellable:
        """Do something after `seconds`."""
        return asyncio.get_running_loop().call_later(seconds, action)


class Hands(Protocol):
    """A telephone line, real or simulated. Reports come back as events through `CallRunner.feed`."""

    async def say(self, key: str, text: str) -> bool:
        """Say a sentence to the caller; True when it was heard, False when it could not be said.

        Cancelled when the machine asks for silence.
        """

    def hush(self) -> None:
        """Stop the language model's words at once."""

    def listen(self, on: bool) -> None:
        """Let the language model answer the caller, or not."""

    def ringback(self, on: bool) -> None:
        """Start or stop what the caller hears while it rings."""

    async def dial(self, leg: str, target: int, ring_timeout: int, *, refer: bool) -> None:
        """Ring a target; reports LegRinging, then LegAnswered or LegFailed."""

    async def prompt(self, leg: str, text: str) -> None:
        """Tell the person on this leg who calls, again and again, until `bridge` or `drop`."""

    async def bridge(self, leg: str) -> None:
        """Let the caller and this leg hear each other."""

    async def drop(self, leg: str) -> None:
        """End this leg, whatever it is doing. A leg that is gone is left alone."""

    async def hang_up(self) -> None:
        """End the call for everybody."""
