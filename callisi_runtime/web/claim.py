"""The page behind the link in a message: who is to be called back, and a button to take it over.

Opening the link changes nothing: messengers open links to show a preview. Only the button does.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from callisi_runtime.ledger import claims
from callisi_runtime.ledger.facade import Ledger, LedgerUnavailable
from callisi_runtime.ledger.queries import one_call
from callisi_runtime.ledger.values import NoteRow
from callisi_runtime.notify.staff import name_of, press
from callisi_runtime.phone import written
from callisi_runtime.plan.links import PATH, Links
from callisi_runtime.web.page import page
from callisi_runtime.web.requests import STATUS, Counts, Refused, read_form

if TYPE_CHECKING:
    import sqlalchemy as sa
    from starlette.requests import Request

GONE = "Diesen Link gibt es nicht mehr."
LATER = "Das geht gerade nicht. Bitte versuchen Sie es in einer Minute noch einmal."


class Claims:
    """The pages. `counts` says how often which button was pressed, and each refusal."""

    def __init__(self, ledger: Ledger, links: Links) -> None:
        self._ledger = ledger
        self._links = links
        self.counts = Counts()

    def routes(self) -> list[Route]:
        """For an app that serves more than this."""
        path = f"{PATH}/{{reference}}/{{step}}/{{signature}}"
        return [
            Route(path, self.show, methods=["GET", "HEAD"]),
            Route(path, self.take, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Who is to be called back."""
        try:
            row, step = await self._meant(request)
            call, owner = await self._ledger.read(_standing, row.note.call_id)
        except Refused as refused:
            return self._refuse(refused)
        except LedgerUnavailable:
            return page("Rückruf", f"<p>{LATER}</p>", status=503)
        number = written(call) if call else None
        return page(f"Rückruf {row.note.reference}", _body(number, owner, name_of(row.note.route[step])))

    async def take(self, request: Request) -> Response:
        """A button was pressed."""
        try:
            row, step = await self._meant(request)
            wish = (await read_form(request)).get("do")
            if wish not in ("take", "back"):
                raise Refused("malformed")
            effect = await press(self._ledger, row, step, take=wish == "take")
        except Refused as refused:
            return self._refuse(refused)
        except LedgerUnavailable:
            return page("Rückruf", f"<p>{LATER}</p>", status=503)
        self.counts[effect] += 1
        return RedirectResponse(request.url.path, status_code=303)

    async def _meant(self, request: Request) -> tuple[NoteRow, int]:
        """The callback and the step that the link was made for. Raises Refused."""
        where = request.path_params
        reference, step, signature = where["reference"], where["step"], where["signature"]
        if (
            len(reference) > 16
            or len(signature) > 64
            or not (step.isascii() and step.isdecimal() and len(step) < 3)
        ):
            raise Refused("malformed")
        for row in await self._ledger.read(claims.by_reference, reference):
            if int(step) < len(row.note.route):
                to = row.note.route[int(step)].to
                if self._links.genuine(signature, row.note.id, int(step), to):
                    return row, int(step)
        raise Refused("forged")

    def _refuse(self, refused: Refused) -> HTMLResponse:
        self.counts[refused.why] += 1
        return page(
            "Rückruf", f"<p>{GONE}</p>", status=404 if refused.why == "forged" else STATUS[refused.why]
        )


def _standing(connection: sa.Connection, call_id: str) -> tuple[str | None, str | None]:
    call = one_call(connection, call_id)
    return call.caller if call is not None else None, claims.owner(connection, call_id)


def _body(caller: str | None, owner: str | None, me: str) -> str:
    who = (
        f"<a href='tel:{escape(caller.replace(' ', ''))}'>{escape(caller)}</a>"
        if caller
        else "Anrufer ohne Nummer"
    )
    if owner is None:
        return f"<p>{who} wartet auf einen Rückruf.</p>{_button('take', 'Ich rufe zurück')}"
    if owner == me:
        return f"<p>Sie rufen {who} zurück.</p>{_button('back', 'Zurückgeben')}"
    return f"<p>{escape(owner)} ruft {who} zurück.</p>"


def _button(do: str, words: str) -> str:
    return f"<form method='post'><button name='do' value='{do}'>{words}</button></form>"
