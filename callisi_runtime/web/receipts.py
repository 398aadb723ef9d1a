"""Takes Twilio's status callbacks: signed, small, well-formed, about a notification of ours."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from callisi_runtime.ledger.facade import Ledger, LedgerUnavailable
from callisi_runtime.ledger.values import Receipt
from callisi_runtime.notify.receipts import apply_receipt
from callisi_runtime.web.requests import MAX_BODY, STATUS, Counts, Refused, Twilio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import ImmutableMultiDict
    from starlette.requests import Request

log = logging.getLogger("callisi.web")

PATH = "/twilio/status"


class Receipts:
    """The receiver.

    `counts` says how often what came: applied, noted, repeated, late, unknown, and each refusal.
    """

    def __init__(self, ledger: Ledger, auth_tokens: Sequence[str], public_url: str) -> None:
        """See `web.requests.Twilio`."""
        self._ledger = ledger
        self._twilio = Twilio(auth_tokens, public_url)
        self.counts = Counts()

    def routes(self) -> list[Route]:
        """For an app that serves more than this."""
        return [Route(PATH, self.take, methods=["POST"])]

    async def take(self, request: Request) -> Response:
        """One callback. 204 whatever it changed; Twilio need not repeat what we understood."""
        try:
            form = await self._twilio.form(request)
            note_id, step, receipt = _read(request, form)
            effect = await apply_receipt(self._ledger, note_id, step, receipt)
        except Refused as refused:
            self.counts[refused.why] += 1
            log.warning("refused a status callback: %s", refused.why)
            return Response(status_code=STATUS[refused.why])
        except LedgerUnavailable as error:
            self.counts["unavailable"] += 1
            log.error("a status callback was not recorded, the provider will be asked: %s", error)
            return Response(status_code=503)
        self.counts[effect] += 1
        return Response(status_code=204)

    async def show(self, _: Request) -> Response:
        """What came so far, by kind. No number and no id in it."""
        return JSONResponse(dict(self.counts))


def receipts_app(ledger: Ledger, auth_tokens: Sequence[str], public_url: str) -> Starlette:
    """An ASGI app that takes status callbacks and nothing else. The receiver is `app.state.receipts`."""
    receipts = Receipts(ledger, auth_tokens, public_url)
    app = Starlette(routes=receipts.routes())
    app.state.receipts = receipts
    return app


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


__all__ = ["MAX_BODY", "PATH", "Receipts", "receipts_app"]
