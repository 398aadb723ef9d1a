"""What Twilio has on record, as values: calls, messages, alerts, the newest first, read page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from callisi_runtime.money import Money

if TYPE_CHECKING:
    from twilio.rest import Client

PAGE: Final = 100
GOING_ON: Final = frozenset({"queued", "ringing", "in-progress"})
"""Statuses of calls that are not over."""

R = TypeVar("R", "CarrierCall", "CarrierMessage", "CarrierAlert")


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """One leg. `trunking-originating` came in from the telephone network, `trunking-terminating` went out."""

    sid: str
    at: float
    """When it began, in Unix seconds."""
    direction: str
    caller: str
    to: str
    status: str
    seconds: int
    price: Money | None
    """None: not rated yet."""

    @property
    def over(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.status not in GOING_ON


@dataclass(frozen=True, slots=True)
class CarrierMessage:
    """One message, either way."""

    sid: str
    at: float
    """When it was handed to Twilio, in Unix seconds."""
    direction: str
    sender: str
    to: str
    status: str
    parts: int
    price: Money | None
    """None: not rated yet."""
    error_code: int | None

    over = True


@dataclass(frozen=True, slots=True)
class CarrierAlert:
    """Something that Twilio could not do."""

    sid: str
    at: float
    level: str
    code: str
    about: str
    """The sid of the call, message or trunk."""
    text: str

    over = True


def calls(client: Client, since: float) -> Iterator[CarrierCall]:
    """Calls that began since then."""
    day = datetime.fromtimestamp(since, UTC)
    return _newer(client.calls.stream(start_time_after=day, page_size=PAGE), read_call, since)


def messages(client: Client, since: float) -> Iterator[CarrierMessage]:
    """Messages since then. Not filtered by Twilio: what is queued was sent on no day, and would be missing."""
    return _newer(client.messages.stream(page_size=PAGE), read_message, since)


def alerts(client: Client, since: float) -> Iterator[CarrierAlert]:
    """Alerts since then, of every level."""
    day = datetime.fromtimestamp(since, UTC)
    return _newer(client.monitor.v1.alerts.stream(start_date=day, page_size=PAGE), read_alert, since)


def newest(rows: Iterable[R], limit: int) -> list[R]:
    """The first `limit` of them; no page is asked for that is not needed."""
    return list(islice(rows, limit))


def read_call(row: Any) -> CarrierCall:
    """One of the library's call instances."""
    return CarrierCall(
        str(row.sid),
        _unix(row.start_time or row.date_created),
        str(row.direction),
        str(row._from),
        str(row.to),
        str(row.status),
        int(row.duration or 0),
        price_of(row.price, row.price_unit),
    )


def read_message(row: Any) -> CarrierMessage:
    """One of the library's message instances."""
    return CarrierMessage(
        str(row.sid),
        _unix(row.date_created),
        str(row.direction),
        str(row.from_),
        str(row.to),
        str(row.status),
        int(row.num_segments or 0),
        price_of(row.price, row.price_unit),
        None if row.error_code is None else int(row.error_code),
    )


def read_alert(row: Any) -> CarrierAlert:
    """One of the library's alert instances."""
    return CarrierAlert(
        str(row.sid),
        _unix(row.date_generated or row.date_created),
        str(row.log_level),
        str(row.error_code),
        str(row.resource_sid or ""),
        str(row.alert_text or ""),
    )


def price_of(price: object, currency: object) -> Money | None:
    """What was paid: Twilio writes it below zero, and null until the record is rated."""
    if price is None or currency is None:
        return None
    try:
        return Money(-Decimal(str(price)) + 0, str(currency).upper())
    except InvalidOperation:
        return None


def _newer(rows: Iterable[Any], read: Callable[[Any], R], since: float) -> Iterator[R]:
    for row in rows:
        found = read(row)
        if found.at < since:  # the newest come first
            return
        yield found


def _unix(moment: object) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else 0.0
