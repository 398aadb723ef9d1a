"""Asking Twilio: the client of the settings, and one clear sentence for each way in which it does not answer."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from callisi_runtime.errors import CallisiError, Problem

if TYPE_CHECKING:
    from twilio.rest import Client

    from callisi_runtime.settings import Settings

T = TypeVar("T")

REFUSALS: Final[dict[int, tuple[str, str]]] = {
    401: (
        "Twilio refuses the credentials",
        "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, and their region",
    ),
    403: (
        "Twilio forbids it",
        "use the account's own token, or a key with all rights; a suspended account is refused as well",
    ),
    404: (
        "Twilio does not find it",
        "check the id, and that TWILIO_ACCOUNT_SID is the account it belongs to",
    ),
    429: ("Twilio has had too many requests", "wait a minute, then ask again"),
}
"""HTTP status -> what it means, what to do."""


class NotAnswered(CallisiError):
    """Twilio refuses, or does not answer. `status`: its HTTP status, None when there was no answer."""

    def __init__(self, problem: Problem, status: int | None = None) -> None:
        super().__init__(problem)
        self.status = status

    @property
    def passes(self) -> bool:
        """Whether the same question may be answered later without anybody mending anything."""
        return self.status is None or self.status == 429 or self.status >= 500


def client_of(settings: Settings, *, timeout: float = 10.0) -> Client:
    """Twilio's own client. Raises CallisiError where the account is not set."""
    from callisi_runtime.notify.twilio_client import twilio_client

    if not settings.twilio_account_sid or not settings.twilio_auth_token:
        hint = "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN in the environment or in .env"
        raise CallisiError(Problem("Twilio cannot be asked without an account", code="no-account", hint=hint))
    return twilio_client(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        api_base=settings.twilio_api_base,
        timeout=timeout,
    )


def asked(client: Client, question: Callable[[Client], T]) -> T:
    """Twilio's answer. Blocking. Raises NotAnswered."""
    import requests
    from twilio.base.exceptions import TwilioException

    try:
        return question(client)
    except requests.exceptions.RequestException:
        hint = "check the network, TWILIO_API_BASE, and status.twilio.com"
        raise NotAnswered(Problem("Twilio does not answer", code="twilio-silent", hint=hint)) from None
    except TwilioException as error:
        status, code = _status_of(error)
        raise NotAnswered(_refusal(status, code), status) from None


def _refusal(status: int | None, code: int | None) -> Problem:
    from callisi_runtime.notify.codes import RULES

    shown = str(status or "no status") + (f", code {code}" if code and code != status else "")
    if status is not None and status >= 500:
        what, hint = "Twilio has a fault of its own", "see status.twilio.com, then ask again"
    elif status in REFUSALS:
        what, hint = REFUSALS[status]
    elif code in RULES:
        what, hint = f"Twilio refuses: {RULES[code].meaning}", RULES[code].remedy
    else:
        what, hint = "Twilio refuses", f"look it up at twilio.com/docs/errors/{code or ''}"
    return Problem(what, code="twilio-refuses", got=shown, hint=hint)


def _status_of(error: Exception) -> tuple[int | None, int | None]:
    """HTTP status and Twilio's code; lists raise another exception, which carries the answer as it came."""
    status: int | None = getattr(error, "status", None)
    code: object = getattr(error, "code", None)
    if status is None and len(error.args) > 1:
        answer: Any = error.args[1]
        status = getattr(answer, "status_code", None)
        with contextlib.suppress(ValueError, AttributeError):
            code = json.loads(answer.text).get("code")
    return status, code if isinstance(code, int) else None
