"""LiveKit's SIP service, asked with patience where that is safe, and every refusal as one clear sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from callisi_runtime.errors import CallisiError, Problem
from callisi_runtime.provision.resource import Unknown
from callisi_runtime.provision.twilio_desk import AGAIN, PASSING

if TYPE_CHECKING:
    from livekit import api

    from callisi_runtime.settings import Settings

T = TypeVar("T")


class LiveKitDesk:
    """One client for the whole run."""

    def __init__(self, settings: Settings, timeout: float, pauses: tuple[float, ...]) -> None:
        self._settings, self._timeout, self._pauses = settings, timeout, pauses
        self._api: api.LiveKitAPI | None = None

    @property
    def ready(self) -> bool:
        """Whether URL, key and secret are set."""
        settings = self._settings
        return all((settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret))

    async def read(self, question: Callable[[Any], Awaitable[T]], what: str) -> T:
        """Ask the SIP service; repeated while it is busy.

        Raises:
            CallisiError: LiveKit refuses, or does not answer.
        """
        return await self._ask(question, f"when it is asked for {what}", reads=True)

    async def write(self, act: Callable[[Any], Awaitable[T]], what: str) -> T:
        """Change something; never repeated.

        Raises:
            Unknown: Nobody knows whether it was done.
            CallisiError: LiveKit refuses.
        """
        return await self._ask(act, f"while {what}", reads=False)

    async def _ask(self, question: Callable[[Any], Awaitable[T]], doing: str, *, reads: bool) -> T:
        import aiohttp
        from livekit import api

        if not self.ready:
            hint = "set all three in .env"
            what = "LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not set"
            raise CallisiError(_problem(what, hint))
        waits = iter(self._pauses)
        while True:
            try:
                async with asyncio.timeout(self._timeout):  # the library's own does not reach every request
                    return await question(self._client().sip)
            except api.ServerError as error:
                may_repeat = error.status == 429 or (reads and error.status in PASSING)
                pause = next(waits, None) if may_repeat else None
                if pause is None:
                    raise self._refused(error, doing, reads=reads) from error
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                late = isinstance(error, TimeoutError)
                pause = next(waits, None) if reads and not late else None
                if pause is None:
                    raise self._silent(doing, late=late, reads=reads) from error
            except ValueError as error:  # what is in front of LiveKit answered, not LiveKit
                raise self._silent(doing, late=False, reads=reads) from error
            await asyncio.sleep(pause)

    def _client(self) -> api.LiveKitAPI:
        import aiohttp
        from livekit import api

        if self._api is None:
            settings = self._settings
            self._api = api.LiveKitAPI(
                (settings.livekit_url or "").replace("ws", "http", 1),
                settings.livekit_api_key,
                settings.livekit_api_secret,
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                failover=False,
            )
        return self._api

    async def close(self) -> None:
        """Let go of the connections."""
        if self._api is not None:
            await self._api.aclose()

    def _refused(self, error: api.ServerError, doing: str, *, reads: bool) -> CallisiError:
        if error.status in (401, 403):
            hint = "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET (a pair of this project), and this machine's clock"
            return CallisiError(_problem("LiveKit refuses the key", hint))
        if error.status == 429:
            hint = "nothing was done: run this again in a minute"
            return CallisiError(_problem(f"LiveKit has too many requests at once {doing}", hint))
        if error.status == 404:
            hint = (
                "is LIVEKIT_URL a LiveKit server with SIP? If it is, it was deleted meanwhile: run this again"
            )
            return CallisiError(_problem(f"LiveKit does not know it {doing}: {error.message}", hint))
        if error.status >= 500 and not reads:
            what = f"LiveKit answers {error.status} {doing}: nobody knows whether it was done"
            return Unknown(_problem(what, AGAIN))
        if error.status >= 500:
            hint = "is the server's SIP service running? Run this again"
            return CallisiError(_problem(f"LiveKit answers {error.status} {doing}: {error.message}", hint))
        hint = "the plan shows what was asked for; `callisi doctor` shows what LiveKit holds"
        return CallisiError(_problem(f"LiveKit refuses {doing}: {error.message} ({error.code})", hint))

    def _silent(self, doing: str, *, late: bool, reads: bool) -> CallisiError:
        how = f"does not answer within {self._timeout:g} s" if late else "cannot be reached"
        if reads:
            hint = "check LIVEKIT_URL, and that the server runs"
            return CallisiError(_problem(f"LiveKit {how} {doing}", hint))
        return Unknown(_problem(f"LiveKit {how} {doing}: nobody knows whether it was done", AGAIN))


def _problem(message: str, hint: str) -> Problem:
    return Problem(message, code="livekit", hint=hint)
