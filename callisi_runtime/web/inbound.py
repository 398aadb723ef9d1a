"""Takes what the staff writes to our numbers: signed by Twilio, answered over the outbox and never here."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from callisi_runtime.ledger.facade import Ledger, LedgerUnavailable
from callisi_runtime.notify.staff import Inbound, take_inbound
from callisi_runtime.web.requests import STATUS, Counts, Refused, Twilio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.datastructures import ImmutableMultiDict
    from starlette.requests import Request

log = logging.getLogger("callisi.web")

PATH = "/twilio/inbound"
SILENCE = "<?xml version='1.0' encoding='UTF-8'?><Response/>"
"""What Twilio does about a message: nothing."""


class Messages:
    """The receiver. `counts` says how often what came: see `ledger.claims.Effect`, and each refusal."""

    def __init__(self, ledger: Ledger, auth_tokens: Sequence[str], public_url: str) -> None:
        """See `web.requests.Twilio`."""
        self._ledger = ledger
        self._twilio = Twilio(auth_tokens, public_url)
        self.counts = Counts()

    def routes(self) -> list[Route]:
        """For an app that serves more than this."""
        return [Route(PATH, self.take, methods=["POST"])]

    async def take(self, request: Request) -> Response:
        """One message. A repeated one changes nothing."""
        try:
            message = _read(await self._twilio.form(request))
            effect = await take_inbound(self._ledger, message)
        except Refused as refused:
            self.counts[refused.why] += 1
            log.warning("refused an inbound message: %s", refused.why)
            return Response(status_code=STATUS[refused.why])
        except LedgerUnavailable as error:
            self.counts["unavailable"] += 1
            log.error("an inbound message was not recorded: %s", error)
            return Response(status_code=503)
        self.counts[effect] += 1
        return Response(SILENCE, media_type="text/xml")


def _read(form: ImmutableMultiDict[str, str]) -> Inbound:
    sid, sender = form.get("MessageSid"), form.get("From")
    if not sid or not sender or len(sid) > 64 or len(sender) > 64:
        raise Refused("malformed")
    return Inbound(sid, sender, form.get("Body", ""))
