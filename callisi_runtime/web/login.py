"""Who may see what strangers may not: nobody needs to log in on the machine itself; elsewhere one token opens it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from callisi_runtime.web.page import page
from callisi_runtime.web.requests import STATUS, Counts, Refused, read_form

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

COOKIE = "callisi"
HOURS = 12
WRONG_SECONDS = 1.0
"""What a wrong token costs whoever tries."""
FORM = (
    "<form method='post' action='/login'><input name='token' type='password' autofocus>"
    " <button>Log in</button></form>"
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class Login:
    """The lock.

    Args:
        token: CALLISI_SERVE_TOKEN; None: nothing is shown to anybody.
        local: True where only this machine can connect: no lock at all, but for what a proxy passes on.
        secure: Whether browsers come over https.
    """

    def __init__(self, token: str | None, *, local: bool, secure: bool) -> None:
        self._token = token
        self._local = local
        self._secure = secure
        self.counts = Counts()

    def routes(self) -> list[Route]:
        """The form, and what takes it."""
        return [Route("/login", self.show, methods=["GET"]), Route("/login", self.take, methods=["POST"])]

    def locked(
        self, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The page, for those who may see it."""

        async def guarded(request: Request) -> Response:
            if self.open_to(request):
                return await endpoint(request)
            self.counts["locked"] += 1
            if self._token and "text/html" in request.headers.get("accept", ""):
                return RedirectResponse("/login", status_code=303)
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})

        return guarded

    def open_to(self, request: Request) -> bool:
        """Whether this request may see what is locked."""
        if self._local and came_straight(request):
            return True
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return self._right(given) or self._session(request.cookies.get(COOKIE, ""))

    async def show(self, _: Request) -> Response:
        """The form."""
        return page(
            "Callisi", FORM if self._token else "<p>CALLISI_SERVE_TOKEN is not set: nobody can log in.</p>"
        )

    async def take(self, request: Request) -> Response:
        """A token was given."""
        try:
            given = (await read_form(request)).get("token", "")
        except Refused as refused:
            self.counts[refused.why] += 1
            return Response(status_code=STATUS[refused.why])
        if not self._right(given):
            self.counts["wrong token"] += 1
            await asyncio.sleep(WRONG_SECONDS)
            return page("Callisi", f"<p>That is not the token.</p>{FORM}", status=403)
        answer = RedirectResponse("/", status_code=303)
        until = int(time.time()) + HOURS * 3600
        answer.set_cookie(
            COOKIE,
            f"{until}.{self._signed(until)}",
            max_age=HOURS * 3600,
            httponly=True,
            secure=self._secure,
            samesite="strict",
        )
        return answer

    def _right(self, given: str) -> bool:
        return bool(self._token) and hmac.compare_digest(given.encode(), (self._token or "").encode())

    def _session(self, cookie: str) -> bool:
        until, _, signed = cookie.partition(".")
        if not self._token or not (until.isascii() and until.isdecimal() and len(until) < 12):
            return False
        return int(until) > time.time() and hmac.compare_digest(
            signed.encode(), self._signed(int(until)).encode()
        )

    def _signed(self, until: int) -> str:
        key = (self._token or "").encode()
        return hmac.new(key, f"callisi session {until}".encode(), hashlib.sha256).hexdigest()


def came_straight(request: Request) -> bool:
    """Whether somebody on this machine asked for this very address: no proxy, and no page that borrowed a name."""
    return request.url.hostname in LOOPBACK and not any(name in request.headers for name in PROXIED)
