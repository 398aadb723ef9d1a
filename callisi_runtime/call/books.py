"""What a call writes down, and what it learns about its message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callisi_runtime.ledger.values import Note


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a message stands."""

    state: Literal["accepted", "failed", "pending"]
    channel: str | None = None
    error: str | None = None


class Books(Protocol):
    """The ledger, as one call sees it."""

    async def arm(self, note: Note, due_in: float) -> None:
        """Write a message down that goes out by itself after `due_in` seconds."""

    async def settle(self, note: Note | None, *, outcome: str, send: bool, evidence: str | None) -> None:
        """Write the outcome down; the armed message is due now, or cancelled."""

    async def deliver(self, note: Note) -> Delivery:
        """Send it now; returns when a channel has accepted it or every one has refused."""

    async def close(self, evidence: str) -> None:
        """Close the obligation."""

    async def busy_lately(self, agent: str, target: int, seconds: float) -> bool:
        """Whether a dial of this target of the agent, in any call, was busy within the last seconds."""

    async def save(self, phase: str, state: Mapping[str, object]) -> None:
        """Keep what a successor needs."""

    async def finish(self, outcome: str, transcript: list[dict[str, object]] | None) -> None:
        """The call is over."""


class NoBooks:
    """Books for a call that owes nothing to anybody: nothing is written, nothing is ever accepted."""

    async def arm(self, note: Note, due_in: float) -> None:
        """Nothing is written."""

    async def settle(self, note: Note | None, *, outcome: str, send: bool, evidence: str | None) -> None:
        """Nothing is written."""

    async def deliver(self, note: Note) -> Delivery:
        """Nothing is sent."""
        return Delivery("failed", error="there are no books")

    async def close(self, evidence: str) -> None:
        """Nothing is written."""

    async def busy_lately(self, agent: str, target: int, seconds: float) -> bool:
        """Nobody knows."""
        return False

    async def save(self, phase: str, state: Mapping[str, object]) -> None:
        """Nothing is written."""

    async def finish(self, outcome: str, transcript: list[dict[str, object]] | None) -> None:
        """Nothing is written."""
