"""What people and machines do when their telephone rings, as scripts for `Phone.script`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .audio import silence, tone
from .hearing import TONES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .audio import Samples
    from .incoming import IncomingCall

    Script = Callable[[IncomingCall], Awaitable[None]]

VOICE = tone(TONES["staff"])


def picks_up(
    *, after: float = 0.5, presses: str = "1", thinks: float = 1.0, voice: Samples = VOICE
) -> Script:
    """Ring for `after` seconds, answer, speak, and after `thinks` seconds press the keys (none for "")."""

    async def script(call: IncomingCall) -> None:
        await _ring(call, after)
        await call.answer()
        call.background(voice)
        await _wait(call, thinks)
        for key in presses:
            await call.press(key)

    return script


def is_a_mailbox(*, after: float = 0.5, greeting: Samples | None = None) -> Script:
    """Ring for `after` seconds, answer, and talk to whoever is there."""
    said = tone(TONES["mailbox"]) if greeting is None else greeting
    return picks_up(after=after, presses="", voice=said)


def says_nothing(*, after: float = 0.5) -> Script:
    """Answer, then neither speak nor press: a telephone in a pocket."""
    return picks_up(after=after, presses="", voice=silence(1.0))


def refuses(code: int, *, after: float = 0.2) -> Script:
    """Ring for `after` seconds, then reject with a SIP code: 486 busy, 480 away, 603 declined, 404 unknown ..."""

    async def script(call: IncomingCall) -> None:
        await _ring(call, after)
        call.reject(code)

    return script


def lets_it_ring() -> Script:
    """Ring until the caller gives up."""

    async def script(call: IncomingCall) -> None:
        call.ring()

    return script


def by_number(scripts: dict[str, Script]) -> Script:
    """One telephone for several people: what happens depends on the number dialled; an unknown one gets 404."""

    async def script(call: IncomingCall) -> None:
        await scripts.get(call.number, refuses(404, after=0.0))(call)

    return script


async def _ring(call: IncomingCall, seconds: float) -> None:
    call.ring()
    await _wait(call, seconds)


async def _wait(call: IncomingCall, seconds: float) -> None:
    """Time passes, but no longer than the call."""
    await asyncio.wait({asyncio.ensure_future(asyncio.shield(call.ended))}, timeout=seconds)
