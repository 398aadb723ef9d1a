"""Which of the carrier's legs and messages are ours, by what the ledger keeps of their sids."""

from __future__ import annotations

from pathlib import Path

from callisi_runtime.carrier.own import OwnCall, of_call, own_since
from callisi_runtime.ledger import CallRow, Ledger

BEGAN = 1000.0


async def test_legs_are_ours_by_what_the_line_told(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/callisi.db", clock=lambda: BEGAN)
    await ledger.open()
    try:
        await ledger.begin_call(CallRow("SCL_1", "clara", None, BEGAN, "call-1", carrier_id="CA1"))
        await ledger.begin_call(CallRow("SCL_2", "clara", None, BEGAN, "call-2"))
        await ledger.add_event("SCL_1", 1.0, "line.leg_named", {"leg": "human-1", "carrier_id": "CA2"})
        await ledger.add_event("SCL_1", 2.0, "event.LegAnswered", {"leg": "human-1"})
        await ledger.add_event("SCL_1", 3.0, "line.leg_named", {"leg": "human-2", "carrier_id": "CA3"})
        await ledger.add_event("SCL_2", 1.0, "line.leg_published", {"leg": "human-1", "carrier_id": "CA4"})
        await ledger.add_event("SCL_2", 2.0, "line.leg_published", {"leg": "human-2"})
        await ledger.add_event("SCL_2", 3.0, "event.LegAnswered", {"leg": "human-2"})
        own = await ledger.read(own_since, BEGAN)
        one = await ledger.read(of_call, "SCL_1", BEGAN)
        later = await ledger.read(own_since, BEGAN + 1)
    finally:
        await ledger.close()
    assert own.calls == {
        "CA1": OwnCall("SCL_1", "clara", None),
        "CA2": OwnCall("SCL_1", "clara", None, "human-1"),
        "CA3": OwnCall("SCL_1", "clara", None, "human-2"),
        "CA4": OwnCall("SCL_2", "clara", None, "human-1"),
    }
    assert (own.calls_without_id, own.legs_without_id) == (1, 1)
    assert set(one.calls) == {"CA1", "CA2", "CA3"}
    assert later.calls == {}
