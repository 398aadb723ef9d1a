"""Asking Twilio: the client of the settings, and one clear sentence for each way in which it does not answer.

Every command that asks Twilio for anything but to send a message has its sentences from here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from callisi_runtime.errors import CallisiError, Problem

if TYPE_CHECKING:
    from twilio.rest import Client

    from callisi_runtime.settings import Settings

T = TypeVar("T")

NOT_SET: Final = "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set"
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
        "check TWILIO_ACCOUNT_SID, and that the account has this product; it may have been deleted meanwhile",
    ),
    429: ("Twilio has had too many requests", "wait a minute, then ask again"),
}
"""HTTP status -> what it means, what to do."""
GENERAL: Final = frozenset({20003, 20404, 20429, 20500})
"""Codes that say no more than their status does."""


class NotAnswered(CallisiError):
    """Twilio refuses, or does not answer.

    Args:
        what: What it means, in one clause, with Twilio's number for it.
        mend: What to do next.
        status: Its HTTP status; None when there was no answer.
        code: Twilio's own number.
        words: Twilio's own words. They may hold numbers of callers.
        late: Whether the time was up.
        slug: The same for machines.
    """

    def __init__(
        self,
        what: str,
        mend: str,
        *,
        status: int | None = None,
        code: int | None = None,
        words: str = "",
        late: bool = False,
        slug: str = "twilio-silent",
    ) -> None:
        super().__init__(Problem(what, code=slug, hint=mend))
        self.what, self.mend, self.slug = what, mend, slug
        self.status, self.code, self.words, self.late = status, code, words, late

    @property
    def passes(self) -> bool:
        """Whether the same question may be answered later without anybody mending anything."""
        if self.status is None:
            return self.slug == "twilio-silent"
        return self.status == 429 or self.status >= 500


def client_of(settings: Settings, *, timeout: float | None = None) -> Client:
    """Twilio's own client. `timeout`: seconds for a request, those of the settings when left out.

    Raises:
        CallisiError: The account is not set.
    """
    from callisi_runtime.notify.twilio_client import twilio_client

    if not settings.twilio_account_sid or not settings.twilio_auth_token:
        hint = "copy both from console.twilio.com, Account Info, into .env"
        raise CallisiError(Problem(NOT_SET, code="no-account", hint=hint))
    return twilio_client(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        api_base=settings.twilio_api_base,
        timeout=settings.callisi_patience_seconds if timeout is None else timeout,
    )


def asked(client: Client, question: Callable[[Client], T]) -> T:
    """Twilio's answer. Blocking. Raises NotAnswered."""
    import requests
    from twilio.base.exceptions import TwilioException

    try:
        return question(client)
    except requests.exceptions.JSONDecodeError:
        raise _unreadable() from None
    except requests.exceptions.Timeout:
        what = f"Twilio does not answer within {client.http_client.timeout:g} s"
        raise NotAnswered(what, "see status.twilio.com, then ask again", late=True) from None
    except requests.exceptions.RequestException:
        hint = "check the network, TWILIO_API_BASE, and status.twilio.com"
        raise NotAnswered("Twilio does not answer", hint) from None
    except json.JSONDecodeError:  # what is in front of Twilio answered, not Twilio
        raise _unreadable() from None
    except TwilioException as error:
        raise refusal(*told_by(error)) from None


def refusal(status: int | None, code: int | None, words: str = "") -> NotAnswered:
    """What a refusal means: by its HTTP status, and by Twilio's own code where that says more."""
    from callisi_runtime.notify.codes import RULES

    if status is None:
        return _unreadable()
    number = code if status < 500 and _says_more(code) else status
    rule = RULES.get(number or 0)
    if status >= 500:
        what, mend = "Twilio has a fault of its own", "see status.twilio.com, then ask again"
    elif rule is not None:
        what, mend = f"Twilio refuses: {rule.meaning}", rule.remedy
    elif status in REFUSALS:
        what, mend = REFUSALS[status]
    else:
        what, mend = (
            "Twilio refuses",
            f"look it up at twilio.com/docs/errors/{number if number != status else ''}",
        )
    return NotAnswered(
        f"{what} ({number})", mend, status=status, code=code, words=words, slug=f"twilio-{number}"
    )


def told_by(error: Exception) -> tuple[int | None, int | None, str]:
    """HTTP status, Twilio's code, and its words; lists raise another exception, which carries the answer as it came."""
    status: int | None = getattr(error, "status", None)
    if status is not None:
        code = getattr(error, "code", None)
        words = getattr(error, "msg", None) or getattr(error, "detail", None)
        return int(status), int(code) if code else None, str(words or "")
    answer: Any = next((one for one in error.args if hasattr(one, "status_code")), None)
    if answer is None:
        return None, None, ""
    try:
        told = json.loads(answer.text)
        return int(answer.status_code), int(told.get("code") or 0) or None, str(told.get("message", ""))
    except (ValueError, AttributeError):
        return int(answer.status_code), None, ""


def _says_more(code: int | None) -> bool:
    return code is not None and code >= 10_000 and code not in GENERAL


def _unreadable() -> NotAnswered:
    hint = "check TWILIO_API_BASE, and any proxy in between: this is no answer of Twilio's"
    return NotAnswered("Twilio's answer cannot be read", hint, slug="twilio-unreadable")
