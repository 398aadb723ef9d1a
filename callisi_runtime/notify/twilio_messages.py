"""Twilio's message resource, as both the SMS and the WhatsApp channel use it."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from callisi_runtime.ledger.values import Note, Receipt, Step
from callisi_runtime.notify.base import Reject, Retry, Sent, index_of
from callisi_runtime.notify.codes import Rule, rule_for, words
from callisi_runtime.notify.staff import Inbound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from twilio.rest import Client

T = TypeVar("T")

LOOK_BACK = 50
"""How many of the recipient's last messages are searched for ours."""

ASK_AGAIN = 5.0

THREADS = 8
"""As many as a sender makes attempts at once, so that none waits for a thread."""

STALE = 10.0
"""Seconds after which a request that has not begun never will: its attempt may be given up by then."""


class TwilioMessages:
    """Sends, finds and asks. The client is synchronous, with a timeout and without retries of its own."""

    def __init__(self, make_client: Callable[[], Client], callback_url: str | None = None) -> None:
        self._make_client = make_client
        self._client: Client | None = None
        self._callback_url = callback_url
        self._threads = ThreadPoolExecutor(THREADS, "callisi-twilio")
        self._answer = threading.local()

    async def create(self, note: Note, step: Step, **message: object) -> Sent:
        """Sends one message. Raises Retry or Reject by the table of codes."""
        callback = self._callback(note, step)
        if callback is not None:
            message["status_callback"] = callback
        sid = await self._call(lambda client: client.messages.create(**message).sid)
        return Sent(sid, "poll" if callback is None else "callback")

    async def find(self, to: str, ours: Callable[[Any], bool], ignore: Collection[str] = ()) -> Sent | None:
        """The newest message to `to` that `ours` recognises, delivered or not, except those to `ignore`.

        Without a date filter: `date_sent` is empty while a message is queued.
        """
        recent = await self._call(lambda client: client.messages.list(to=to, limit=LOOK_BACK))
        for message in recent:
            if message.sid not in ignore and ours(message):
                return Sent(message.sid)
        return None

    async def status(self, sid: str) -> Receipt:
        """What Twilio says about a message now."""
        message = await self._call(lambda client: client.messages(sid).fetch())
        code = None if message.error_code is None else str(message.error_code)
        return Receipt(str(message.status), sid, code)

    async def received(self, to: str, since: float) -> list[Inbound]:
        """What was written to one of our numbers since then (Unix seconds, by the day), newest first."""
        day = datetime.fromtimestamp(since, UTC)
        found = await self._call(
            lambda client: client.messages.list(to=to, date_sent_after=day, limit=LOOK_BACK)
        )
        incoming = [message for message in found if str(message.direction) == "inbound"]
        return [Inbound(message.sid, str(message.from_), str(message.body or "")) for message in incoming]

    def _callback(self, note: Note, step: Step) -> str | None:
        """Our id in the address: a report also repairs "sent, but never recorded"."""
        if self._callback_url is None:
            return None
        # A colon stays a colon: proxies rewrite %3A, and the signature is over the address as it was.
        query = urlencode({"n": note.id, "s": index_of(note, step)}, safe=":")
        return f"{self._callback_url}{'&' if '?' in self._callback_url else '?'}{query}"

    async def _call(self, request: Callable[[Client], T]) -> T:
        asked = time.monotonic()
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._request, request, asked)

    def _request(self, request: Callable[[Client], T], asked: float) -> T:
        import requests
        from twilio.base.exceptions import TwilioException

        self._answer.retry_after = None
        client = self._ready()
        if time.monotonic() - asked > STALE:
            raise Retry("the machine is too slow", after=ASK_AGAIN, unknown=False)
        try:
            return request(client)
        except requests.exceptions.RequestException as error:
            raise _network(error) from error
        except TwilioException as error:
            raise self._refusal(error) from error

    def _ready(self) -> Client:
        if self._client is None:
            client = self._make_client()
            session = getattr(client.http_client, "session", None)
            if session is not None:
                session.hooks["response"].append(self._keep_retry_after)
            self._client = client
        return self._client

    def _keep_retry_after(self, response: Any, *_args: object, **_kwargs: object) -> None:
        # The library's exception has lost the headers by the time we see it.
        self._answer.retry_after = response.headers.get("Retry-After")

    def _refusal(self, error: Exception) -> Retry | Reject:
        status = int(getattr(error, "status", 500) or 500)
        code = getattr(error, "code", None)
        return refusal(rule_for(status, code), code or status, seconds(self._answer.retry_after))


def refusal(rule: Rule, code: int | str | None, after: float | None) -> Retry | Reject:
    """The exception that a rule of the table asks for. `after`: seconds the provider asked for."""
    text = words(rule, code)
    if rule.action == "reject":
        return Reject(text, operator=rule.operator)
    return Retry(text, after=after if after is not None else rule.after, unknown=rule.action == "unknown")


def seconds(header: str | None) -> float | None:
    """`Retry-After` in seconds, at most an hour; None when it is missing or a date."""
    try:
        return None if header is None else min(3600.0, max(0.0, float(header)))
    except ValueError:
        return None


def _network(error: Exception) -> Retry:
    """A connection that was never made has sent nothing; anything later is unknown."""
    import requests
    from urllib3.exceptions import NewConnectionError

    reason = getattr(error.args[0], "reason", None) if error.args else None
    never_reached = isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError)
    if never_reached or isinstance(
        reason, NewConnectionError
    ):  # a failed look-up of the name is one of these
        return Retry("the provider cannot be reached", after=ASK_AGAIN, unknown=False)
    return Retry("the provider's answer was lost")
