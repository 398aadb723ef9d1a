"""A whole call in a process that is killed just before one of its writes to the ledger."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callisi_runtime.ledger import Ledger, Note, Receipt, Step
from callisi_runtime.live import text as _preloaded  # noqa: F401  # what the fork server has, no call imports
from callisi_runtime.notify import Sender, Sent
from callisi_runtime.rehearse.real_books import Real
from callisi_runtime.rehearse.rehearsal import Rehearsal
from callisi_runtime.rehearse.script import play

from ..rehearse.kit import cast, plan_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


class Letterbox:
    """A channel whose messages are lines of a file, so that they outlive the process that sent them."""

    finds = True

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    async def send(self, note: Note, step: Step) -> Sent:
        with self.path.open("a") as file:
            file.write(note.id + "\n")
        return Sent(note.id, "none")

    async def find(self, note: Note, step: Step, *, ignore: Collection[str] = ()) -> Sent | None:
        return Sent(note.id, "none") if note.id in self.lines() else None

    async def status(self, sid: str, step: Step) -> Receipt:
        return Receipt("delivered", sid)


class MortalLedger(Ledger):
    """A ledger whose process dies before it commits write number `at`."""

    def __init__(self, url: str, at: int) -> None:
        super().__init__(url)
        self.left = at

    async def write(self, statement: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def last_moment(connection: Any, *inner: Any, **more: Any) -> Any:
            result = statement(connection, *inner, **more)
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return await super().write(last_moment, *args, **kwargs)


def call_that_dies(url: str, letters: Path, lines: list[str], staff: str, at: int) -> None:
    """Plays the call to its end, unless it comes to write number `at`. Then it is gone."""
    ledger = MortalLedger(url, at)
    sender = Sender(ledger, {"sms": Letterbox(letters)})
    whole = dataclasses.replace(cast(staff=staff), real=Real(ledger, sender))

    async def call() -> None:
        await ledger.open()
        await play(Rehearsal(plan_of(), whole), lines)

    asyncio.run(call())
