"""What a part of the loopback Twilio is: one subject of its REST API, with its state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aiohttp import web


@dataclass(frozen=True, slots=True)
class Route:
    """One request that a part answers."""

    operation: str
    """The word that fault rules and the log use for it."""
    method: str
    path: str
    """As Twilio's OpenAPI has it, `{AccountSid}` and its like in braces; the host does not count."""
    answer: Callable[[web.Request], Awaitable[web.Response]]


class Part(Protocol):
    """One subject of Twilio's REST API: what it keeps, and which requests are about it."""

    def routes(self) -> Sequence[Route]:
        """What it answers."""
        ...
