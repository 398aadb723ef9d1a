"""`callisi serve` as one ASGI app: reports and answers from Twilio, the links in messages, the operator's pages."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from callisi_runtime.ledger.facade import Ledger, LedgerUnavailable
from callisi_runtime.plan.links import links_of
from callisi_runtime.web.claim import Claims
from callisi_runtime.web.inbound import PATH as INBOUND
from callisi_runtime.web.inbound import Messages
from callisi_runtime.web.login import Login
from callisi_runtime.web.page import page
from callisi_runtime.web.receipts import PATH as STATUS
from callisi_runtime.web.receipts import Receipts
from callisi_runtime.web.requests import Counts

if TYPE_CHECKING:
    from starlette.requests import Request

    from callisi_runtime.ledger import ObligationRow
    from callisi_runtime.settings import Settings

SHOWN_SECONDS = 7 * 86_400.0


def serve_app(ledger: Ledger, settings: Settings, *, local: bool = True) -> Starlette:
    """Everything that listens on HTTP, in one app.

    Args:
        ledger: Open.
        settings: CALLISI_PUBLIC_URL is what Twilio and the staff call. Without it, or without TWILIO_AUTH_TOKEN,
            nothing of Twilio is taken; without it there are no links.
        local: Whether only this machine can connect. The operator's pages ask everybody else, and whoever comes through
            a proxy, for CALLISI_SERVE_TOKEN.
    """
    public = (settings.callisi_public_url or "").rstrip("/")
    login = Login(settings.callisi_serve_token, local=local, secure=public.startswith("https://"))
    routes, counted = list(login.routes()), [login.counts]
    if public and settings.twilio_auth_token:
        tokens = [
            token for token in (settings.twilio_auth_token, settings.twilio_secondary_auth_token) if token
        ]
        receipts, messages = (
            Receipts(ledger, tokens, public + STATUS),
            Messages(ledger, tokens, public + INBOUND),
        )
        routes += [*receipts.routes(), *messages.routes()]
        counted += [receipts.counts, messages.counts]
    if (links := links_of(settings)) is not None:
        pages = Claims(ledger, links)
        routes += pages.routes()
        counted.append(pages.counts)
    desk = Desk(ledger, counted)
    routes += [
        Route("/healthz", desk.healthz, methods=["GET"]),
        Route("/twilio/counts", login.locked(desk.counts), methods=["GET"]),
        Route("/", login.locked(desk.promises), methods=["GET"]),
    ]
    app = Starlette(routes=routes)
    app.state.counts = desk.total
    return app


class Desk:
    """What the operator sees."""

    def __init__(self, ledger: Ledger, counted: list[Counts]) -> None:
        self._ledger = ledger
        self._counted = counted

    def total(self) -> Counts:
        """How often what came, over all pages."""
        return sum(self._counted, Counts())

    async def healthz(self, _: Request) -> Response:
        """Whether the ledger answers. Nothing more: anybody may ask."""
        try:
            await self._ledger.health()
        except LedgerUnavailable:
            return JSONResponse({"ok": False}, status_code=503)
        return JSONResponse({"ok": True})

    async def counts(self, _: Request) -> Response:
        """What came so far, by kind. No number and no id in it."""
        return JSONResponse(dict(self.total()))

    async def promises(self, _: Request) -> Response:
        """Who waits for a call, and who makes it."""
        try:
            rows = await self._ledger.obligations(open_only=False, since=self._ledger.clock() - SHOWN_SECONDS)
            health = await self._ledger.health()
        except LedgerUnavailable:
            return page(
                "Callisi", "<p>The ledger does not answer; see <code>callisi doctor</code>.</p>", status=503
            )
        waiting = [row for row in rows if row.closed is None or row.evidence in BY_MESSAGE]
        dead = (
            f"<p><b>{health.dead} dead</b>: see <code>callisi notifications --dead</code></p>"
            if health.dead
            else ""
        )
        return page("Callbacks", dead + _table(waiting))


BY_MESSAGE = ("message_accepted", "message_delivered")


def _table(rows: list[ObligationRow]) -> str:
    if not rows:
        return "<p>Nobody waits for a call.</p>"
    head = "<tr><th>Since</th><th>Caller</th><th>Agent</th><th>Staff was told</th><th>Calls back</th></tr>"
    return f"<table>{head}{''.join(_row(row) for row in reversed(rows))}</table>"


def _row(row: ObligationRow) -> str:
    since = datetime.fromtimestamp(row.opened).strftime("%d.%m. %H:%M")
    told = "no" if row.closed is None else "yes"
    cells = (since, row.caller or "hidden", row.agent, told, row.claimed_by or "nobody yet")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
