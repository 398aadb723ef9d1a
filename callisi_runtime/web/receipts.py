"""Takes Twilio's status callbacks: signed, small, well-formed, about a notification of ours."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.datastructures import ImmutableMultiDict
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from callisi_runtime.ledger.facade import Ledger, LedgerUnavailable
from callisi_runtime.ledger.values import Receipt
from callisi_runtime.notify.receipts import apply_receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

log = logging.getLogger("callisi.web")

PATH = "/twilio/status"
MAX_BODY = 16_384
"""Bytes; Twilio's own callbacks have some 500."""

FORM = "application/x-www-form-urlencoded"

Refusal = Literal["oversize", "malformed", "forged"]
_STATUS: dict[Refusal, int] = {"oversize": 413, "malformed": 400, "forged": 403}


class Refused(Exception):
    """A request that is not taken."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why)
        self.why: Refusal = why


class Receipts:
    """The receiver.

    `counts` says how often what came: applied, noted, repeated, late, unknown, and each refusal.
    """

    def __init__(self, ledger: Ledger, auth_tokens: Sequence[str], public_url: str) -> None:
        """`auth_tokens`: the current one, and during a rotation the old one. `public_url`: what Twilio calls.

        A proxy in front changes host and scheme; the signature is over the address that Twilio called.
        """
        from twilio.request_validator import RequestValidator

        self._ledger = ledger
        self._validators = [RequestValidator(token) for token in auth_tokens]
        self._public_url = public_url.partition("?")[0]
        self.counts: Counter[str] = Counter()

    def routes(self) -> list[Route]:
        """For an app that serves more than this."""
        return [Route(PATH, self.take, methods=["POST"]), Route("/twilio/counts", self.show, methods=["GET"])]

    async def take(self, request: Request) -> Response:
        """One callback. 204 whatever it changed; Twilio need not repeat what we understood."""
        try:
            form = await self._genuine_form(request)
            note_id, step, receipt = _read(request, form)
            effect = await apply_receipt(self._ledger, note_id, step, receipt)
        except Refused as refused:
            self.counts[refused.why] += 1
            log.warning("refused a status callback: %s", refused.why)
            return Response(status_code=_STATUS[refused.why])
        except LedgerUnavailable as error:
            self.counts["unavailable"] += 1
            log.error("a status callback was not recorded, the provider will be asked: %s", error)
            return Response(status_code=503)
        self.counts[effect] += 1
        return Response(status_code=204)

    async def show(self, _: Request) -> Response:
        """What came so far, by kind. No number and no id in it."""
        return JSONResponse(dict(self.counts))

    async def _genuine_form(self, request: Request) -> ImmutableMultiDict[str, str]:
        """The fields, once it is proven that Twilio sent them."""
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
            raise Refused("malformed")
        body = await _bounded(request)
        try:
            # Blank fields are part of what was signed.
            fields = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=200)
        except ValueError as error:
            raise Refused("malformed") from error
        form = ImmutableMultiDict(fields)
        signature = request.headers.get("x-twilio-signature")
        query = f"?{request.url.query}" if request.url.query else ""
        address = self._public_url + query
        if not signature or not any(v.validate(address, form, signature) for v in self._validators):
            raise Refused("forged")
        return form


def receipts_app(ledger: Ledger, auth_tokens: Sequence[str], public_url: str) -> Starlette:
    """An ASGI app that takes status callbacks and nothing else. The receiver is `app.state.receipts`."""
    receipts = Receipts(ledger, auth_tokens, public_url)
    app = Starlette(routes=receipts.routes())
    app.state.receipts = receipts
    return app


async def _bounded(request: Request) -> bytes:
    """The body, read no further than MAX_BODY."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > MAX_BODY:
        raise Refused("oversize")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refused("oversize")
    return body


def _read(request: Request, form: ImmutableMultiDict[str, str]) -> tuple[str, int, Receipt]:
    """Which notification and step (our own words, in the address), and what became of the message."""
    note_id, step = request.query_params.get("n"), request.query_params.get("s", "")
    sid, status = form.get("MessageSid"), form.get("MessageStatus")
    if not note_id or len(note_id) > 192 or not (step.isascii() and step.isdecimal() and len(step) < 4):
        raise Refused("malformed")
    if not sid or not status or len(sid) > 128 or len(status) > 24:
        raise Refused("malformed")
    code = form.get("ErrorCode")
    return note_id, int(step), Receipt(status, sid, code[:16] if code else None)
