"""How records and a call's course look in the terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from syrupy.assertion import SnapshotAssertion

from callisi_runtime.carrier.own import Own, OwnCall
from callisi_runtime.carrier.records import CarrierAlert, CarrierCall
from callisi_runtime.cli.commands.rca import as_text
from callisi_runtime.cli.log_rows import HEADS, cells, document
from callisi_runtime.cli.tables import table
from callisi_runtime.ledger import CallRow, EventRow
from callisi_runtime.money import Money
from callisi_runtime.rca.causes import causes_of
from callisi_runtime.rca.evidence import Evidence

BEGAN = 1_800_000_000.0
LEG = CarrierCall(
    "CA1", BEGAN, "trunking-originating", "+4915228817386", "+4930901820100", "completed", 61, None
)
OUT = CarrierCall(
    "CA2",
    BEGAN + 20,
    "trunking-terminating",
    "+4930901820100",
    "+4930901820111",
    "busy",
    0,
    Money(Decimal("0.0085"), "USD"),
)
ALERT = CarrierAlert("NO1", BEGAN + 21, "error", "32203", "CA2", "To=%2B4930901820111")
OWN = Own(
    {"CA1": OwnCall("SCL_1", "clara", "declined"), "CA2": OwnCall("SCL_1", "clara", "declined", "human-1")}
)


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as there:
        there.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def test_calls_as_a_table(snapshot: SnapshotAssertion) -> None:
    found: list[tuple[CarrierCall, list[CarrierAlert]]] = [(LEG, []), (OUT, [ALERT])]
    rows = [cells(one, document(one, OWN, alerts, numbers=False)) for one, alerts in found]
    assert table(HEADS["calls"], rows) == snapshot


def test_alerts_as_a_table(snapshot: SnapshotAssertion) -> None:
    shown = document(ALERT, OWN, [], numbers=False)
    assert table(HEADS["alerts"], [cells(ALERT, shown)]) == snapshot


def test_the_course_of_a_call(snapshot: SnapshotAssertion) -> None:
    found = Evidence(
        CallRow("SCL_1", "clara", None, BEGAN, "call-1", outcome="declined", ended=BEGAN + 61),
        promise_open=True,
        timeline=(
            EventRow(19.0, "effect.Dial", {"leg": "human-1", "target": 0}),
            EventRow(22.0, "line.dial_ended", {"leg": "human-1", "sip": 603, "rang": False}),
            EventRow(22.1, "event.LegFailed", {"leg": "human-1", "outcome": "declined"}),
        ),
        legs=(LEG, OUT),
        alerts=(ALERT,),
        room=False,
        not_asked=("LiveKit: it does not answer; check LIVEKIT_URL",),
    )
    assert as_text(found, causes_of(found)) == snapshot
