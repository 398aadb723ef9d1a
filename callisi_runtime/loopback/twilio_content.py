"""Twilio's Content API on loopback: message templates, and Meta's word on them."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from callisi_runtime.loopback.twilio_pages import meta_page
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callisi_runtime.loopback.twilio import TwilioServer

ORIGIN: Final = "https://content.twilio.com"
STAMP: Final = "2026-01-01T00:00:00Z"
COURSE: Final = ("received", "pending", "approved")
NAME: Final = re.compile(r"[a-z0-9_]{1,512}")
VARIABLE: Final = re.compile(r"\{\{\w+\}\}")


@dataclass(slots=True)
class Approval:
    """One request for approval. It moves one status along its course each time it is looked at."""

    name: str
    category: str
    course: tuple[str, ...]
    reason: str = ""
    """Why it is rejected; shown with the last status."""
    passed: int = 0

    @property
    def status(self) -> str:
        """Twilio's word for where it is now."""
        return self.course[min(self.passed, len(self.course) - 1)]

    def as_json(self) -> dict[str, object]:
        """As the API shows it."""
        rejected = self.status in {"rejected", "paused", "disabled"}
        return {
            "name": self.name,
            "category": self.category,
            "content_type": "twilio/text",
            "status": self.status,
            "rejection_reason": self.reason if rejected else "",
            "allow_category_change": True,
        }


UNSUBMITTED: Final = {
    "name": "",
    "category": "",
    "content_type": "",
    "status": "unsubmitted",
    "rejection_reason": "",
    "allow_category_change": True,
}


@dataclass(slots=True)
class Content:
    """One template."""

    account_sid: str
    friendly_name: str
    language: str
    types: Mapping[str, Any]
    variables: Mapping[str, str]
    sid: str = field(default_factory=lambda: "HX" + secrets.token_hex(16))
    approval: Approval | None = None

    @property
    def body(self) -> str:
        """The text of a plain template."""
        return str((self.types.get("twilio/text") or {}).get("body", ""))

    def as_json(self) -> dict[str, object]:
        """The Content resource of the API."""
        url = f"{ORIGIN}/v1/Content/{self.sid}"
        approvals = f"{url}/ApprovalRequests"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "friendly_name": self.friendly_name,
            "language": self.language,
            "variables": dict(self.variables),
            "types": dict(self.types),
            "date_created": STAMP,
            "date_updated": STAMP,
            "url": url,
            "links": {"approval_fetch": approvals, "approval_create": f"{approvals}/whatsapp"},
        }


class Contents:
    """Operations: `content_create`, `content_list`, `content_fetch`, `content_delete`, `content_approvals` (all
    templates with their approvals), `approval_create`, `approval_fetch`.

    What Meta would refuse for its form is rejected with Meta's reason, whatever was scripted.
    """

    def __init__(self, server: TwilioServer) -> None:
        self.contents: dict[str, Content] = {}
        self._server = server
        self._scripted: list[tuple[tuple[str, ...], str]] = []

    def will(self, *statuses: str, reason: str = "") -> None:
        """What becomes of the next request for approval: `will("received", "rejected", reason="...")`."""
        self._scripted.append((statuses, reason))

    def add(
        self, friendly_name: str, body: str, *, language: str = "de", status: str | None = None
    ) -> Content:
        """A template that is there already; with a `status`, submitted and no further."""
        content = Content(
            self._server.account_sid, friendly_name, language, {"twilio/text": {"body": body}}, {}
        )
        if status is not None:
            content.approval = Approval(friendly_name.lower(), "UTILITY", (status,))
        self.contents[content.sid] = content
        return content

    def filled(self, sid: str, variables: str) -> str | None:
        """The text of a message with this template and these variables (JSON); None when it is not kept here."""
        content = self.contents.get(sid)
        if content is None:
            return None
        given = {**content.variables, **json.loads(variables or "{}")}
        return VARIABLE.sub(lambda match: str(given.get(match[0][2:-2], match[0])), content.body)

    def routes(self) -> Sequence[Route]:
        """See Part."""
        one, approvals = "/v1/Content/{Sid}", "/v1/Content/{Sid}/ApprovalRequests"
        return (
            Route("content_create", "POST", "/v1/Content", self._create),
            Route("content_list", "GET", "/v1/Content", self._list),
            Route("content_fetch", "GET", one, self._fetch),
            Route("content_delete", "DELETE", one, self._delete),
            Route("content_approvals", "GET", "/v1/ContentAndApprovals", self._with_approvals),
            Route("approval_fetch", "GET", approvals, self._approval),
            Route("approval_create", "POST", f"{approvals}/whatsapp", self._submit),
        )

    async def _create(self, request: web.Request) -> web.Response:
        given = await request.json()
        types = {kind: value for kind, value in given["types"].items() if value is not None}
        if not types:
            return self._server.error(20001, "types must not be empty", 400)
        content = Content(
            self._server.account_sid,
            given.get("friendly_name") or "",
            given["language"],
            types,
            given.get("variables") or {},
        )
        self.contents[content.sid] = content
        return web.json_response(content.as_json(), status=201)

    async def _list(self, request: web.Request) -> web.Response:
        return meta_page(request, "contents", [content.as_json() for content in self.contents.values()])

    async def _with_approvals(self, request: web.Request) -> web.Response:
        return meta_page(request, "contents", [_with_approval(one) for one in self.contents.values()])

    async def _fetch(self, request: web.Request) -> web.Response:
        content = self._content(request)
        return self._missing(request) if content is None else web.json_response(content.as_json())

    async def _delete(self, request: web.Request) -> web.Response:
        content = self._content(request)
        if content is None:
            return self._missing(request)
        del self.contents[content.sid]
        return web.Response(status=204)

    async def _submit(self, request: web.Request) -> web.Response:
        content = self._content(request)
        if content is None:
            return self._missing(request)
        given = await request.json()
        if NAME.fullmatch(given["name"]) is None:
            return self._server.error(20001, "name: only lowercase letters, digits and underscores", 400)
        if content.approval is not None:
            return self._server.error(20001, "this content was already submitted for approval", 400)
        course, reason = self._scripted.pop(0) if self._scripted else (COURSE, "")
        if wrong := refused_by_meta(content.body):
            course, reason = ("received", "rejected"), wrong
        content.approval = Approval(given["name"], given["category"], course, reason)
        return web.json_response(content.approval.as_json(), status=201)

    async def _approval(self, request: web.Request) -> web.Response:
        content = self._content(request)
        if content is None:
            return self._missing(request)
        shown = UNSUBMITTED if content.approval is None else content.approval.as_json()
        if content.approval is not None:
            content.approval.passed += 1
        body = {
            "sid": content.sid,
            "account_sid": content.account_sid,
            "whatsapp": {"type": "whatsapp", **shown},
            "url": f"{ORIGIN}{request.path}",
        }
        return web.json_response(body)

    def _content(self, request: web.Request) -> Content | None:
        return self.contents.get(request.match_info["Sid"])

    def _missing(self, request: web.Request) -> web.Response:
        return self._server.error(20404, f"The requested resource {request.path} was not found")


def refused_by_meta(body: str) -> str | None:
    """What Meta has against the form of a template; None when nothing."""
    text = body.strip()
    ends = VARIABLE.match(text) or re.search(r"\{\{\w+\}\}$", text)
    if ends:
        return "INVALID_FORMAT: variables can't be at the start or end of the template"
    if re.search(r"\}\}\s*\{\{", text):
        return "INVALID_FORMAT: variables can't be next to each other"
    numbers = [int(number) for number in re.findall(r"\{\{(\d+)\}\}", text)]
    if sorted(set(numbers)) != list(range(1, len(set(numbers)) + 1)):
        return "INVALID_FORMAT: variables are not sequential"
    return "INVALID_FORMAT: the body has more than 1024 characters" if len(text) > 1024 else None


def _with_approval(content: Content) -> dict[str, object]:
    shown = {name: value for name, value in content.as_json().items() if name not in {"url", "links"}}
    return shown | {
        "approval_requests": UNSUBMITTED if content.approval is None else content.approval.as_json()
    }
