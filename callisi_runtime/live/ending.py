"""How a call ends for its process: it is over, another process has it, or the room is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from livekit import rtc

from callisi_runtime.flow import events as on

if TYPE_CHECKING:
    from callisi_runtime.call import CallRunner

BREATH_SECONDS = 3.0
"""How long the connection to the room may be away and still be the same afterwards, tracks and all."""
LOST_SECONDS = 20.0
"""How long it is waited for at all."""


class Ending:
    """How a call ends for this process: it is over, another process has it, or the room is lost."""

    def __init__(self, room: rtc.Room, runner: CallRunner) -> None:
        self.runner = runner
        self._left: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._away: asyncio.TimerHandle | None = None
        self._since = 0.0
        room.on("disconnected", self._disconnected)
        room.on("reconnecting", self._reconnecting)
        room.on("reconnected", self._reconnected)

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        if reason in (rtc.DisconnectReason.ROOM_DELETED, rtc.DisconnectReason.ROOM_CLOSED):
            self.runner.feed(on.CallerLeft())
        elif reason != rtc.DisconnectReason.CLIENT_INITIATED:
            self._leave(rtc.DisconnectReason.Name(reason))

    def _reconnecting(self) -> None:
        """After a short breath the connection goes on; when it was away longer, a fresh process is sooner there."""
        if self._away is None:
            loop = asyncio.get_running_loop()
            self._since = loop.time()
            self._away = loop.call_later(LOST_SECONDS, self._leave, "the connection is lost")

    def _reconnected(self) -> None:
        if self._away is not None:
            self._away.cancel()
            self._away = None
            if asyncio.get_running_loop().time() - self._since > BREATH_SECONDS:
                self._leave("the connection was away")

    def _leave(self, why: str) -> None:
        if not self._left.done():
            self._left.set_result(why)

    async def wait(self) -> str:
        """`over`, or why the call is another process's now."""
        over = asyncio.create_task(self.runner.wait())
        ends: set[asyncio.Future[Any]] = {over, self._left}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not over.done():
                over.cancel()
        return "over" if over.done() and not over.cancelled() else self._left.result()

    async def replaced_within(self, seconds: float) -> None:
        """Wait until a successor has thrown this process out of the room."""
        await asyncio.wait({self._left}, timeout=seconds)
