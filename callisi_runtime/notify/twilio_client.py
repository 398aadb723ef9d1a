"""The Twilio library, set up so that it gives up in time, never repeats a message, and can be redirected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from callisi_runtime.errors import Problem, UsageError

if TYPE_CHECKING:
    from requests import PreparedRequest, Response
    from twilio.rest import Client


def twilio_client(
    account_sid: str, auth_token: str, *, api_base: str | None = None, timeout: float = 10.0
) -> Client:
    """Twilio's own client. Blocking: call it off the event loop.

    A request fails after `timeout` seconds without an answer (`requests.Timeout`) and is never repeated:
    after a timeout nobody knows whether Twilio sent the message. With `api_base` (TWILIO_API_BASE, an origin
    such as `http://127.0.0.1:8090`) every request goes there, the host it was meant for kept in the Host
    header. UsageError when `api_base` is no origin. The import takes a second.
    """
    from requests.adapters import HTTPAdapter
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    http = TwilioHttpClient(timeout=timeout, max_retries=0)
    if api_base:
        scheme, netloc = _origin(api_base)

        class Redirect(HTTPAdapter):
            def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
                meant = urlsplit(str(request.url))
                if str(meant.hostname).endswith(".twilio.com"):
                    request.headers["Host"] = meant.netloc
                    request.url = urlunsplit((scheme, netloc, *meant[2:]))
                return super().send(request, *args, **kwargs)

        http.session.mount("https://", Redirect(max_retries=0))
    return Client(account_sid, auth_token, http_client=http)


def _origin(api_base: str) -> tuple[str, str]:
    parts = urlsplit(api_base)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/") or parts.query:
        raise UsageError(
            Problem(
                "TWILIO_API_BASE is not an origin",
                code="bad-url",
                got=repr(api_base),
                allowed="scheme, host and port alone",
                hint="write it like http://127.0.0.1:8090",
            )
        )
    return parts.scheme, parts.netloc
