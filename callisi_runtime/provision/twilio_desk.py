"""Twilio, asked with patience where that is safe, and every refusal as one clear sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from callisi_runtime.errors import CallisiError, Problem
from callisi_runtime.provision.resource import Unknown

if TYPE_CHECKING:
    from twilio.rest import Client

    from callisi_runtime.carrier.ask import NotAnswered
    from callisi_runtime.settings import Settings

T = TypeVar("T")

AT_ONCE: Final = 8
"""Requests under way at the same time: the library keeps ten connections."""
PASSING: Final = (429, 500, 502, 503, 504)
"""Statuses after which reading again is harmless and may help. 429 was never processed, so writing is, too."""
UNCLEAR: Final = (
    "no-account",
    "twilio-silent",
    "twilio-unreadable",
    *(f"twilio-{one}" for one in (401, 403, 404, 429)),
)
"""Codes of problems that say nothing about what was asked for: another run, or another key, may get it."""
AGAIN: Final = "run the same command again: it looks before it makes anything"


class TwilioDesk:
    """Asks Twilio in a thread: its library blocks."""

    def __init__(self, settings: Settings, timeout: float, pauses: tuple[float, ...]) -> None:
        self._settings, self._timeout, self._pauses = settings, timeout, pauses
        self._client: Client | None = None
        # Of our own: whoever answers on loopback may need the loop's usual threads to do so.
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="twilio")

    @property
    def ready(self) -> bool:
        """Whether account and token are set."""
        return bool(self._settings.twilio_account_sid and self._settings.twilio_auth_token)

    async def read(self, question: Callable[[Any], T], what: str) -> T:
        """Ask for something; repeated while Twilio is busy. `what` names it in errors: `its trunks`.

        Raises:
            CallisiError: Twilio refuses, or does not answer.
        """
        return await self._ask(question, f"when it is asked for {what}", reads=True)

    async def write(self, act: Callable[[Any], T], what: str) -> T:
        """Change something; repeated only when Twilio says that nothing was done. `what`: `the trunk was created`.

        Raises:
            Unknown: Nobody knows whether it was done.
            CallisiError: Twilio refuses.
        """
        return await self._ask(act, f"while {what}", reads=False)

    async def _ask(self, question: Callable[[Any], T], doing: str, *, reads: bool) -> T:
        from callisi_runtime.carrier.ask import NotAnswered, asked

        client, waits = self.client, iter(self._pauses)
        while True:
            try:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, lambda: asked(client, question))
            except NotAnswered as error:
                pause = next(waits, None) if may_repeat(error, reads=reads) else None
                if pause is None:
                    raise told(error, doing, reads=reads) from error
            await asyncio.sleep(pause)

    @property
    def client(self) -> Client:
        """The library's client, made when it is first needed. Raises CallisiError without an account."""
        if self._client is None:
            from callisi_runtime.carrier.ask import client_of

            self._client = client_of(self._settings, timeout=self._timeout)
        return self._client

    def close(self) -> None:
        """Let go of the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.http_client.session.close()


def may_repeat(error: NotAnswered, *, reads: bool) -> bool:
    """Whether asking again is harmless, and may help."""
    if error.status is not None:
        return error.status == 429 or (reads and error.status in PASSING)
    return reads and error.passes and not error.late


def told(error: NotAnswered, doing: str, *, reads: bool) -> CallisiError:
    """The same with what was being done; Unknown where nobody knows whether it was."""
    if not reads and (error.status is None or error.status >= 500):
        what = f"{error.what} {doing}: nobody knows whether it was done"
        return Unknown(Problem(what, code=error.slug, hint=AGAIN))
    # Here Twilio speaks of what this command sent: no caller is in it.
    words = f": {error.words}" if error.words and error.status == 400 else ""
    return CallisiError(Problem(f"{error.what} {doing}{words}", code=error.slug, hint=error.mend))


def is_final(error: CallisiError) -> bool:
    """Whether Twilio said no to the very thing that was asked for: not to the key, and not for now alone."""
    return not isinstance(error, Unknown) and error.problems[0].code not in UNCLEAR
