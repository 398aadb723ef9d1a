"""Twilio's REST API on loopback: messages with a life of their own, refusals, signed status callbacks."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Final, Protocol

import aiohttp
from aiohttp import web

from callisi_runtime.loopback.server import Server
from callisi_runtime.loopback.twilio_content import Contents
from callisi_runtime.loopback.twilio_messages import (
    Course,
    Message,
    channel_of,
    http_status_of,
    refusal_of,
)
from callisi_runtime.loopback.twilio_part import Part
from callisi_runtime.loopback.twilio_parts import PARTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

ACCOUNT_SID: Final = "AC" + "0" * 31 + "1"
AUTH_TOKEN: Final = "1" * 32
_ACCOUNT: Final = "/2010-04-01/Accounts/{account}"


class Checker(Protocol):
    """Compares requests and answers with Twilio's own description of its API."""

    def violation(self, request: web.Request, body: bytes) -> str | None:
        """What of the request the description does not allow; None when nothing."""
        ...

    def answer_violation(self, request: web.Request, body: bytes, answer: web.Response) -> str | None:
        """What of the answer the description does not allow; None when nothing."""
        ...


class TwilioServer(Server):
    """Operations: `sms`, `whatsapp` (sending), `message_fetch`, `message_list`, those of its parts, `other`.

    A message moves one status along its course at each fetch, or every `pace` seconds when that is given.
    With `send_callbacks` each new status is posted, signed, to the message's StatusCallback. With a `checker`
    everything is compared with Twilio's OpenAPI; what is not allowed is refused and kept in `violations`.
    """

    def __init__(
        self,
        *,
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        pace: float | None = None,
        send_callbacks: bool = False,
        checker: Checker | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host=host, port=port)
        self.account_sid, self.auth_token = account_sid, auth_token
        self.pace, self.send_callbacks, self.checker = pace, send_callbacks, checker
        self.messages: dict[str, Message] = {}
        self.violations: list[str] = []
        self.inbound_url: str | None = None
        """Where messages to our numbers are posted, signed; None: they are only kept for whoever asks."""
        self.parts: dict[str, Part] = {name: part(self) for name, part in PARTS.items()}
        self._courses: dict[str, list[Course]] = {}
        self._operations: dict[tuple[str, str], str] = {}

    @property
    def api_base(self) -> str:
        """What TWILIO_API_BASE wants."""
        return self.url

    def will(self, to: str, *statuses: str, error_code: int | None = None) -> None:
        """What becomes of the next message to this address (`*`: any): `will("+49...", "sent", "failed")`."""
        self._courses.setdefault(to, []).append(Course(statuses, error_code))

    async def receives(self, sender: str, to: str, body: str) -> Message:
        """Somebody writes to one of our numbers; `whatsapp:` in front of both where it comes over WhatsApp."""
        form = {"From": sender, "To": to, "Body": body}
        message = Message(self.account_sid, form, Course(()), direction="inbound")
        self.messages[message.sid] = message
        if self.inbound_url is not None:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
                await self._post(session, self.inbound_url, message, inbound_form(message))
        return message

    def routes(self) -> list[web.RouteDef]:
        """See Server."""
        handlers: dict[tuple[str, str], _Handler] = {
            ("POST", f"{_ACCOUNT}/Messages.json"): self._create,
            ("GET", f"{_ACCOUNT}/Messages.json"): self._list,
            ("GET", f"{_ACCOUNT}/Messages/{{sid}}.json"): self._fetch,
        }
        for part in self.parts.values():
            for one in part.routes():
                handlers[(one.method, one.path)] = one.answer
                self._operations[(one.method, one.path)] = one.operation
        served = [
            web.route(method, path, self._guarded(handler)) for (method, path), handler in handlers.items()
        ]
        return [*served, web.route("*", "/{anything:(?!__).*}", self._guarded(self._unknown))]

    async def operation(self, request: web.Request) -> str:
        """See Server."""
        resource = request.match_info.route.resource
        named = self._operations.get((request.method, resource.canonical if resource else ""))
        if named is not None:
            return named
        if request.path.endswith("/Messages.json"):
            if request.method != "POST":
                return "message_list"
            return channel_of(str((await request.post()).get("To", "")))
        if "/Messages/" in request.path:
            return "message_fetch"
        return "other"

    async def readable(self, request: web.Request) -> object:
        """See Server."""
        if request.content_type == "application/json":
            return await super().readable(request)
        return {name: str(value) for name, value in (await request.post()).items()} or None

    def refusal(self, status: int, message: str) -> web.Response:
        """See Server."""
        return self.error({401: 20003, 404: 20404, 429: 20429}.get(status, 20500), message, status)

    def error(self, code: int, message: str, status: int | None = None) -> web.Response:
        """A refusal in Twilio's form, with one of its error codes."""
        status = status or http_status_of(code)
        more = f"https://www.twilio.com/docs/errors/{code}"
        body = {"code": code, "message": message, "more_info": more, "status": status}
        return web.json_response(body, status=status)

    def _guarded(self, handler: _Handler) -> _Handler:
        async def guarded(request: web.Request) -> web.Response:
            if request.headers.get("Authorization") != basic_auth(self.account_sid, self.auth_token):
                return self.error(20003, "Authenticate")
            if self.checker is None:
                return await handler(request)
            return await self._checked(handler, request, self.checker)

        return guarded

    async def _checked(self, handler: _Handler, request: web.Request, checker: Checker) -> web.Response:
        body = await request.read()
        if (wrong := await asyncio.to_thread(checker.violation, request, body)) is not None:
            self.violations.append(wrong)
            return self.error(20001, f"not in Twilio's OpenAPI: {wrong}", 400)
        answer = await handler(request)
        wrong = await asyncio.to_thread(checker.answer_violation, request, body, answer)
        if wrong is not None:
            self.violations.append(f"our answer: {wrong}")
        return answer

    # Messages.

    async def _create(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if (refused := refusal_of(form)) is not None:
            return self.error(*refused)
        message = Message(self.account_sid, self._with_text(form), self._course_for(form["To"]))
        self.messages[message.sid] = message
        if self.pace is not None or self.send_callbacks:
            self.spawn(self._live(message, 0.02 if self.pace is None else self.pace))
        return web.json_response(message.as_json(), status=201)

    def _with_text(self, form: dict[str, str]) -> dict[str, str]:
        """A template that is kept here shows its text, as Twilio does."""
        contents = self.parts["contents"]
        assert isinstance(contents, Contents)
        text = contents.filled(form.get("ContentSid", ""), form.get("ContentVariables", ""))
        return form if text is None else form | {"Body": text}

    def _course_for(self, to: str) -> Course:
        for key in (to, "*"):
            if self._courses.get(key):
                return self._courses[key].pop(0)
        return Course(
            ("sent", "delivered", "read") if channel_of(to) == "whatsapp" else ("sent", "delivered")
        )

    async def _fetch(self, request: web.Request) -> web.Response:
        message = self.messages.get(request.match_info["sid"])
        if message is None:
            return self.error(20404, f"The requested resource {request.path} was not found")
        answer = web.json_response(message.as_json())
        if self.pace is None and not self.send_callbacks:
            message.advance()
        return answer

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        found = [m for m in reversed(self.messages.values()) if _fits(m, query)]
        size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
        shown = found[page * size : (page + 1) * size]
        more = len(found) > (page + 1) * size
        return web.json_response(_page(request, shown, size, page, more=more))

    async def _unknown(self, request: web.Request) -> web.Response:
        return self.error(20404, f"The requested resource {request.path} was not found")

    # Callbacks.

    async def _live(self, message: Message, pace: float) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while True:
                await asyncio.sleep(pace)
                if not message.advance():
                    return
                if self.send_callbacks and (url := message.form.get("StatusCallback")):
                    await self._call_back(session, url, message)

    async def _call_back(self, session: aiohttp.ClientSession, url: str, message: Message) -> None:
        await self._post(session, url, message, callback_form(message))

    async def _post(
        self, session: aiohttp.ClientSession, url: str, message: Message, form: dict[str, str]
    ) -> None:
        headers = {"X-Twilio-Signature": signature(self.auth_token, url, form)}
        started, status = time.monotonic(), 0
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(url, data=form, headers=headers) as response:
                status = response.status
        seconds = round(time.monotonic() - started, 3)
        kind = "inbound" if message.direction == "inbound" else "callback"
        self.note(kind, {"sid": message.sid, "status": message.status, "answer": status, "s": seconds})


class _Handler(Protocol):
    def __call__(self, request: web.Request, /) -> Awaitable[web.Response]: ...


def basic_auth(account_sid: str, auth_token: str) -> str:
    """The Authorization header of the account."""
    return "Basic " + base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()


def callback_form(message: Message) -> dict[str, str]:
    """What Twilio posts about a message's status."""
    form = {
        "AccountSid": message.account_sid,
        "ApiVersion": "2010-04-01",
        "From": message.form.get("From", ""),
        "To": message.to,
        "MessageSid": message.sid,
        "MessageStatus": message.status,
        "SmsSid": message.sid,
        "SmsStatus": message.status,
    }
    return form | ({} if message.error_code is None else {"ErrorCode": str(message.error_code)})


def inbound_form(message: Message) -> dict[str, str]:
    """What Twilio posts about a message to one of our numbers."""
    return {
        "AccountSid": message.account_sid,
        "ApiVersion": "2010-04-01",
        "Body": message.form["Body"],
        "From": message.form["From"],
        "MessageSid": message.sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
    }


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted fields, in base64."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def _fits(message: Message, query: Mapping[str, str]) -> bool:
    return (
        query.get("To", message.to) == message.to
        and query.get("From", sender := message.form.get("From")) == sender
        and _sent_when(message, query)
    )


def _sent_when(message: Message, query: Mapping[str, str]) -> bool:
    """By the day, as Twilio compares; a message that is still queued was not sent on any."""
    limits = {sign: query[f"DateSent{sign}"][:10] for sign in ("<", "", ">") if f"DateSent{sign}" in query}
    if not limits:
        return True
    if message.as_json()["date_sent"] is None:
        return False
    day = f"{message.created:%Y-%m-%d}"
    return day <= limits.get("<", day) and day == limits.get("", day) and day >= limits.get(">", day)


def _page(
    request: web.Request, shown: list[Message], size: int, page: int, *, more: bool
) -> dict[str, object]:
    def uri(number: int) -> str:
        return str(request.rel_url.update_query({"PageSize": str(size), "Page": str(number)}))

    return {
        "messages": [message.as_json() for message in shown],
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(len(shown) - 1, 0),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "next_page_uri": uri(page + 1) if more else None,
        "previous_page_uri": uri(page - 1) if page else None,
    }
