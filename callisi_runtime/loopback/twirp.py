"""Twirp's errors, as LiveKit's server sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

HTTP_STATUS: Final[Mapping[str, int]] = {
    "aborted": 409,
    "already_exists": 409,
    "bad_route": 404,
    "canceled": 408,
    "deadline_exceeded": 408,
    "failed_precondition": 412,
    "internal": 500,
    "invalid_argument": 400,
    "malformed": 400,
    "not_found": 404,
    "permission_denied": 403,
    "resource_exhausted": 429,
    "unauthenticated": 401,
    "unavailable": 503,
    "unimplemented": 501,
    "unknown": 500,
}


class TwirpError(Exception):
    """A refusal: Twirp's code, words, and what travels as `meta`."""

    def __init__(self, code: str, message: str, meta: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.meta = code, message, dict(meta or {})

    def as_response(self) -> web.Response:
        """The JSON that goes over the wire even when the request was protobuf."""
        body: dict[str, object] = {"code": self.code, "msg": self.message}
        if self.meta:
            body["meta"] = self.meta
        return web.json_response(body, status=HTTP_STATUS[self.code])


def error_of_status(status: int, message: str) -> web.Response:
    """An error with this HTTP status; a proxy's page for 502 and 504, which no LiveKit server sends."""
    if status in {502, 504}:
        return web.Response(status=status, text=f"<html>{message}</html>", content_type="text/html")
    if status == 401:  # the middleware in front of Twirp answers in plain text
        return web.Response(status=401, text="invalid token")
    code = next((code for code, number in HTTP_STATUS.items() if number == status), "unknown")
    return web.json_response({"code": code, "msg": message}, status=status)
