"""A line on which nothing happens, for tests of what lies behind it."""

from __future__ import annotations

from pathlib import Path


def agent_file() -> Path:
    """The agent that one can ring."""
    return Path(__file__).parents[2] / "agents" / "clara.yaml"


class QuietHands:
    """`Hands` that do nothing."""

    async def say(self, key: str, text: str) -> bool:
        return True

    def hush(self) -> None:
        """Nothing is said."""

    def listen(self, on: bool) -> None:
        """Nobody answers."""

    def ringback(self, on: bool) -> None:
        """Nothing is heard."""

    async def dial(self, leg: str, target: int, ring_timeout: int, *, refer: bool) -> None:
        """Nothing rings."""

    async def prompt(self, leg: str, text: str) -> None:
        """Nobody is told."""

    async def bridge(self, leg: str) -> None:
        """Nobody is there."""

    async def drop(self, leg: str) -> None:
        """Nothing rang."""

    async def hang_up(self) -> None:
        """Nobody is there."""
