"""What every page that strangers can reach needs: small bodies, plain forms, genuine signatures, counted refusals."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl

from starlette.datastructures import ImmutableMultiDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

MAX_BODY = 16_384
"""Bytes; Twilio's own requests have some 500."""

FORM = "application/x-www-form-urlencoded"

Refusal = Literal["oversize", "malformed", "forged"]
STATUS: dict[Refusal, int] = {"oversize": 413, "malformed": 400, "forged": 403}
Counts = Counter[str]


class Refused(Exception):
    """A request that is not taken."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why)
        self.why: Refusal = why


class Twilio:
    """Tells Twilio's own requests from all others.

    Args:
        auth_tokens: The current one, and during a rotation the old one.
        public_url: What Twilio calls, without a query. A proxy in front changes host and scheme; the signature is over
            the address that Twilio called.
    """

    def __init__(self, auth_tokens: Sequence[str], public_url: str) -> None:
        from twilio.request_validator import RequestValidator

        self._validators = [RequestValidator(token) for token in auth_tokens]
        self._public_url = public_url.partition("?")[0]

    async def form(self, request: Request) -> ImmutableMultiDict[str, str]:
        """The fields, once it is proven that Twilio sent them. Raises Refused."""
        form = await read_form(request)
        signature = request.headers.get("x-twilio-signature")
        query = f"?{request.url.query}" if request.url.query else ""
        address = self._public_url + query
        if not signature or not any(v.validate(address, form, signature) for v in self._validators):
            raise Refused("forged")
        return form


async def read_form(request: Request) -> ImmutableMultiDict[str, str]:
    """A form of bounded size. Raises Refused."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise Refused("malformed")
    body = await bounded(request)
    try:
        # Blank fields are part of what was signed.
        fields = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError as error:
        raise Refused("malformed") from error
    return ImmutableMultiDict(fields)


async def bounded(request: Request) -> bytes:
    """The body, read no further than MAX_BODY. Raises Refused."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > MAX_BODY:
        raise Refused("oversize")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refused("oversize")
    return body
