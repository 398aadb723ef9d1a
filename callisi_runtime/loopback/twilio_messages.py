"""Messages as Twilio keeps them: what it refuses, what becomes of them, how they look as JSON."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

E164: Final = re.compile(r"\+[1-9]\d{6,14}")
ALPHANUMERIC: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +\-_&]{1,11}")
LONGEST_BODY: Final = 1600
FINAL_STATUSES: Final = frozenset({"delivered", "undelivered", "failed", "canceled", "read"})

# Twilio's magic numbers for tests, by the error they provoke.
MAGIC_TO: Final = {
    "+15005550001": (21211, "Invalid 'To' Phone Number"),
    "+15005550002": (21612, "The 'To' phone number is not currently reachable via SMS"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
MAGIC_FROM: Final = {
    "+15005550001": (21212, "Invalid 'From' Phone Number"),
    "+15005550007": (21606, "The 'From' phone number is not a valid message-capable Twilio phone number"),
    "+15005550008": (21611, "This 'From' number has exceeded the maximum number of queued messages"),
}
_FORBIDDEN: Final = {21408, 21610}  # answered with 403 or 400; every other refusal is a 400


@dataclass(frozen=True, slots=True)
class Course:
    """What becomes of a message after it was accepted."""

    statuses: tuple[str, ...] = ("sent", "delivered")
    error_code: int | None = None
    """Shown once the last status is reached."""


@dataclass(slots=True)
class Message:
    """One message. It starts as `queued` and moves through its course."""

    account_sid: str
    form: Mapping[str, str]
    course: Course
    sid: str = field(default_factory=lambda: "SM" + secrets.token_hex(16))
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    passed: int = 0
    """How many statuses of its course are behind it."""
    direction: str = "outbound-api"
    price: str | None = None
    """Negative, as Twilio writes it; null until it is rated."""

    @property
    def to(self) -> str:
        """The recipient, `whatsapp:` included."""
        return self.form["To"]

    @property
    def channel(self) -> str:
        """`sms` or `whatsapp`."""
        return channel_of(self.to)

    @property
    def status(self) -> str:
        """Twilio's word for where it is now."""
        if self.passed:
            return self.course.statuses[self.passed - 1]
        if self.direction == "inbound":
            return "received"
        return "accepted" if "MessagingServiceSid" in self.form else "queued"

    @property
    def error_code(self) -> int | None:
        """Why it failed, when it did."""
        return self.course.error_code if self.done and self.course.error_code else None

    @property
    def done(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.passed >= len(self.course.statuses)

    def advance(self) -> bool:
        """One status further; whether there was one."""
        if self.done:
            return False
        self.passed += 1
        return True

    def as_json(self) -> dict[str, object]:
        """The Message resource of the API."""
        path = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{self.sid}"
        stamp = format_datetime(self.created)
        code = self.error_code
        body = self.form.get("Body", "")
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "messaging_service_sid": self.form.get("MessagingServiceSid"),
            "to": self.to,
            "from": self.form.get("From"),
            "body": body,
            "status": self.status,
            "direction": self.direction,
            "num_segments": str(segments(body)),
            "num_media": "0",
            "price": self.price,
            "price_unit": "USD",
            "error_code": code,
            "error_message": None if code is None else f"Error {code}",
            "api_version": "2010-04-01",
            "date_created": stamp,
            "date_updated": stamp,
            "date_sent": stamp if self.passed or self.direction == "inbound" else None,
            "uri": f"{path}.json",
            "subresource_uris": {"media": f"{path}/Media.json"},
        }


def channel_of(address: str) -> str:
    """`whatsapp` for `whatsapp:+49...`, otherwise `sms`."""
    return "whatsapp" if address.startswith("whatsapp:") else "sms"


def segments(body: str) -> int:
    """At most how many parts a text of this length is sent in (GSM-7 where Latin-1 suffices)."""
    whole, part = (
        (160, 153)
        if body.isascii() or body.encode("latin-1", "ignore").decode("latin-1") == body
        else (70, 67)
    )
    return 1 if len(body) <= whole else -(-len(body) // part)


def refusal_of(form: Mapping[str, str]) -> tuple[int, str] | None:
    """Twilio's error code and words for a message it would not take; None when it would."""
    to, sender = form.get("To", ""), form.get("From", "")
    if not to:
        return 21604, "A 'To' phone number is required."
    if not sender and "MessagingServiceSid" not in form:
        return 21603, "A 'From' phone number is required."
    if sender and channel_of(to) != channel_of(sender):
        return 21910, "Invalid From and To pair. From and To should be of the same channel"
    return _bad_number(to, sender) or _bad_content(form)


def _bad_number(to: str, sender: str) -> tuple[int, str] | None:
    number, own = to.removeprefix("whatsapp:"), sender.removeprefix("whatsapp:")
    if number in MAGIC_TO:
        return MAGIC_TO[number]
    if own in MAGIC_FROM:
        return MAGIC_FROM[own]
    if not E164.fullmatch(number) or number == own:
        return 21211, f"Invalid 'To' Phone Number: {number[:4]}XXXX"
    if own and not (E164.fullmatch(own) or ALPHANUMERIC.fullmatch(own)):
        return 21212, "Invalid 'From' Phone Number"
    return None


def _bad_content(form: Mapping[str, str]) -> tuple[int, str] | None:
    if not any(form.get(name) for name in ("Body", "MediaUrl", "ContentSid")):
        return 21602, "Message body is required."
    if len(form.get("Body", "")) > LONGEST_BODY:
        return 21617, "The concatenated message body exceeds the 1600 character limit"
    return None


def http_status_of(code: int) -> int:
    """The HTTP status that comes with an error code."""
    return {20003: 401, 20404: 404, 20429: 429, 20500: 500, 21408: 403}.get(code, 400)
