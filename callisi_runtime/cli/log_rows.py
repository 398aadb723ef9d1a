"""Twilio's records as `callisi logs` prints them, joined with the ledger; the JSON shape is in docs/logs.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from callisi_runtime.carrier.own import Own
from callisi_runtime.carrier.records import CarrierAlert, CarrierCall, CarrierMessage
from callisi_runtime.cli.books import clock_time, iso_time
from callisi_runtime.cli.documents import shown_address
from callisi_runtime.money import Money
from callisi_runtime.notify.codes import known_rule

Record = CarrierCall | CarrierMessage | CarrierAlert
HEADS: Mapping[str, tuple[str, ...]] = {
    "calls": ("BEGAN", "SID", "WAY", "FROM", "TO", "STATUS", "TOOK", "PRICE", "OURS", "TROUBLE"),
    "messages": ("AT", "SID", "WAY", "FROM", "TO", "STATUS", "PARTS", "PRICE", "OURS", "TROUBLE"),
    "alerts": ("AT", "LEVEL", "CODE", "ABOUT", "OURS", "MEANING AND REMEDY"),
}
WAYS = {"trunking-originating": "in", "trunking-terminating": "out", "inbound": "in"}


def document(record: Record, own: Own, alerts: Sequence[CarrierAlert], *, numbers: bool) -> dict[str, Any]:
    """One record with what it is here; `alerts` are those that are about it."""
    if isinstance(record, CarrierAlert):
        return _alert(record, own, numbers=numbers)
    if isinstance(record, CarrierCall):
        return _call(record, own, alerts, numbers=numbers)
    return _message(record, own, alerts, numbers=numbers)


def _call(record: CarrierCall, own: Own, alerts: Sequence[CarrierAlert], *, numbers: bool) -> dict[str, Any]:
    ours = own.calls.get(record.sid)
    return {
        "sid": record.sid,
        "began": iso_time(record.at),
        "direction": record.direction,
        "from": shown_address(record.caller, numbers=numbers),
        "to": shown_address(record.to, numbers=numbers),
        "status": record.status,
        "seconds": record.seconds,
        **_price(record.price),
        "call": ours.call if ours else None,
        "leg": ours.leg if ours else None,
        "agent": ours.agent if ours else None,
        "outcome": ours.outcome if ours else None,
        "trouble": [explained(one.code) for one in alerts],
    }


def _message(
    record: CarrierMessage, own: Own, alerts: Sequence[CarrierAlert], *, numbers: bool
) -> dict[str, Any]:
    ours = own.messages.get(record.sid)
    codes = [record.error_code] if record.error_code is not None else [one.code for one in alerts]
    return {
        "sid": record.sid,
        "at": iso_time(record.at),
        "direction": record.direction,
        "from": shown_address(record.sender, numbers=numbers),
        "to": shown_address(record.to, numbers=numbers),
        "status": record.status,
        "parts": record.parts,
        **_price(record.price),
        "call": ours.call if ours else None,
        "notification": ours.note if ours else None,
        "agent": ours.agent if ours else None,
        "state": ours.state if ours else None,
        "trouble": [explained(code) for code in codes],
    }


def _alert(record: CarrierAlert, own: Own, *, numbers: bool) -> dict[str, Any]:
    call, message = own.calls.get(record.about), own.messages.get(record.about)
    return {
        "sid": record.sid,
        "at": iso_time(record.at),
        "level": record.level,
        "about": record.about,
        **explained(record.code),
        "call": call.call if call else message.call if message else None,
        # Twilio's words may hold numbers of callers.
        "text": record.text if numbers else None,
    }


def explained(code: object) -> dict[str, Any]:
    """A code of Twilio with its meaning and remedy, by the table that sending and doctor use as well."""
    rule = known_rule(code)
    if rule is None:
        return {"code": str(code), "meaning": None, "remedy": f"twilio.com/docs/errors/{code}"}
    return {"code": str(code), "meaning": rule.meaning, "remedy": rule.remedy}


def _price(price: Money | None) -> dict[str, Any]:
    """The amount as text, so that no digit is lost; null until Twilio has rated the record."""
    return {
        "price": None if price is None else f"{price.amount:f}",
        "currency": None if price is None else price.currency,
    }


def cells(record: Record, shown: Mapping[str, Any]) -> tuple[object, ...]:
    """The same as a row under HEADS."""
    if isinstance(record, CarrierAlert):
        return (
            clock_time(record.at),
            record.level,
            record.code,
            record.about,
            shown["call"],
            f"{shown['meaning'] or 'not in our table'}; {shown['remedy']}",
        )
    length = f"{record.seconds} s" if isinstance(record, CarrierCall) else record.parts
    ours = (
        shown["call"] if shown["call"] is None or not shown.get("leg") else f"{shown['call']} {shown['leg']}"
    )
    return (
        clock_time(record.at),
        record.sid,
        WAYS.get(record.direction, "out"),
        shown["from"],
        shown["to"],
        record.status,
        length,
        "not rated yet" if record.price is None else str(record.price),
        ours,
        _trouble(shown["trouble"]),
    )


def _trouble(found: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(
        f"{one['code']} {one['meaning'] or 'not in our table'}; {one['remedy']}" for one in found
    )
