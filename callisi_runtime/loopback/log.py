"""What a loopback server received, in memory only, and a way to wait for it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Entry:
    """One request, or one remark of the server (`method` is then empty)."""

    operation: str
    method: str = ""
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Lower-case names; credentials are left out."""
    body: object = None
    """What JSON, form or protobuf said, as plain data."""
    fault: str | None = None
    at: float = field(default_factory=time.time)
    """Unix seconds."""


class Log:
    """Entries in the order they came."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._news = asyncio.Event()

    def add(self, entry: Entry) -> None:
        """Keep the entry and wake whoever waits."""
        self.entries.append(entry)
        self._news.set()
        self._news = asyncio.Event()

    def of(self, operation: str) -> list[Entry]:
        """The entries of one operation."""
        return [entry for entry in self.entries if entry.operation == operation]

    async def wait_for(self, operation: str, *, count: int = 1, timeout: float = 10.0) -> list[Entry]:
        """The entries of one operation as soon as there are `count`; TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while len(found := self.of(operation)) < count:
                await self._news.wait()
        return found

    def as_json(self, operation: str | None = None) -> list[dict[str, object]]:
        """The entries as plain data, as `GET /__log` prints them."""
        return [asdict(entry) for entry in self.entries if operation in (None, entry.operation)]
