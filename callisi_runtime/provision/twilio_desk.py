"""Twilio, asked with patience where that is safe, and every refusal as one clear sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from callisi_runtime.errors import CallisiError, Problem
from callisi_runtime.provision.resource import Unknown

if TYPE_CHECKING:
    from twilio.base.exceptions import TwilioException
    from twilio.rest import Client

    from callisi_runtime.settings import Settings

T = TypeVar("T")

AT_ONCE: Final = 8
"""Requests under way at the same time: the library keeps ten connections."""
PASSING: Final = (429, 500, 502, 503, 504)
"""Statuses after which reading again is harmless and may help. 429 was never processed, so writing is, too."""
HINTS: Final[dict[int, str]] = {
    21248: "the name is taken in the whole of Twilio: set TWILIO_TRUNK_DOMAIN to another",
    21244: "the account has as many trunks as it may have: delete one, or ask Twilio for more",
    21422: "somebody else has bought it: `callisi numbers search` shows what there is",
    21243: "SIP_TRUNK_PASSWORD needs 12 characters, with a digit, a capital and a small letter; or leave it empty",
    21631: "the number needs an address: console.twilio.com, Phone Numbers, Addresses",
    21649: "the number needs an approved regulatory bundle: console.twilio.com, Regulatory Compliance",
}
"""Twilio's error codes that have a remedy of their own."""


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
        import requests
        from twilio.base.exceptions import TwilioException

        if not self.ready:
            raise CallisiError(
                _problem("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set", "set them in .env")
            )
        client, waits = self.client, iter(self._pauses)
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, question, client)
            except TwilioException as error:
                told = refusal_in(error)
                if told is None:
                    raise CallisiError(_problem(f"Twilio's answer cannot be read {doing}", AGAIN)) from error
                may_repeat = told.status == 429 or (reads and told.status in PASSING)
                pause = next(waits, None) if may_repeat else None
                if pause is None:
                    raise refused(told, doing, reads=reads) from error
            except requests.exceptions.RequestException as error:
                late = isinstance(error, requests.exceptions.Timeout)
                pause = next(waits, None) if reads and not late else None
                if pause is None:
                    raise silent(doing, reads=reads, seconds=self._timeout if late else None) from error
            await asyncio.sleep(pause)

    @property
    def client(self) -> Client:
        """The library's client, made when it is first needed."""
        if self._client is None:
            from callisi_runtime.notify.twilio_client import twilio_client

            self._client = twilio_client(
                self._settings.twilio_account_sid or "",
                self._settings.twilio_auth_token or "",
                api_base=self._settings.twilio_api_base,
                timeout=self._timeout,
            )
        return self._client

    def close(self) -> None:
        """Let go of the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.http_client.session.close()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Twilio answered instead of doing it."""

    status: int
    code: int
    """Twilio's own; 0 when it gave none."""
    words: str


def refusal_in(error: TwilioException) -> Refusal | None:
    """The answer in one of the library's two kinds of errors: lists have another than everything else."""
    from twilio.base.exceptions import TwilioRestException

    if isinstance(error, TwilioRestException):
        return Refusal(int(error.status), int(error.code or 0), str(error.msg))
    answer: Any = next((one for one in error.args if hasattr(one, "status_code")), None)
    if answer is None:
        return None
    try:
        told = json.loads(answer.text)
    except ValueError:
        told = {}
    return Refusal(int(answer.status_code), int(told.get("code") or 0), str(told.get("message", "")))


def refused(error: Refusal, doing: str, *, reads: bool) -> CallisiError:
    """Twilio's answer as a sentence: what it is, and what to do next."""
    status, code = error.status, error.code
    if status >= 500 and not reads:
        return Unknown(_problem(f"Twilio answers {status} {doing}: nobody knows whether it was done", AGAIN))
    known = {
        401: (
            "Twilio refuses the credentials",
            "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, and their region",
        ),
        403: (
            f"Twilio does not allow it ({code or 403}) {doing}",
            "the account may be suspended, or the key restricted: console.twilio.com says why",
        ),
        404: (
            f"Twilio does not know it ({code or 404}) {doing}",
            "it was deleted meanwhile, or belongs to another account: run this again",
        ),
        429: (
            f"Twilio has too many requests at once {doing}",
            "nothing was done: run this again in a minute",
        ),
    }
    if code not in HINTS and status in known:
        return CallisiError(replace(_problem(*known[status]), code=f"twilio-{status}"))
    if status >= 500:
        return CallisiError(
            _problem(f"Twilio answers {status} {doing}", "see status.twilio.com, and run this again")
        )
    hint = HINTS.get(code, f"https://www.twilio.com/docs/errors/{code} has the details")
    problem = _problem(f"Twilio refuses {doing}: {error.words} ({code or status})", hint)
    return CallisiError(replace(problem, code=f"twilio-{code}"))


AGAIN: Final = "run the same command again: it looks before it makes anything"


def silent(doing: str, *, reads: bool, seconds: float | None) -> CallisiError:
    """No answer at all."""
    how = "breaks the connection" if seconds is None else f"does not answer within {seconds:g} s"
    if reads:
        return CallisiError(
            _problem(f"Twilio {how} {doing}", "check the network, and TWILIO_API_BASE; run this again")
        )
    return Unknown(_problem(f"Twilio {how} {doing}: nobody knows whether it was done", AGAIN))


def _problem(message: str, hint: str) -> Problem:
    return Problem(message, code="twilio", hint=hint)
