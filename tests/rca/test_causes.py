"""Each row of the table of causes: evidence that shows it, and a call on which nothing of it shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from callisi_runtime.carrier.records import CarrierAlert, CarrierCall, CarrierMessage
from callisi_runtime.ledger import AttemptRow, CallRow, EventRow, Note, NoteRow, Step
from callisi_runtime.rca.causes import TABLE, causes_of
from callisi_runtime.rca.evidence import Evidence

CALL = CallRow("SCL_1", "clara", None, 1000.0, "call-1", outcome="served", ended=1060.0)
GOOD = Evidence(
    CALL,
    promise_open=False,
    timeline=(
        EventRow(0.0, "event.Arrived", {}),
        EventRow(9.0, "effect.Dial", {"leg": "human-1", "target": 0}),
        EventRow(15.0, "event.LegAnswered", {"leg": "human-1"}),
        EventRow(18.0, "effect.Bridge", {"leg": "human-1"}),
        EventRow(60.0, "event.CallerLeft", {}),
    ),
    room=False,
    outbound_trunks=1,
)


def events(*found: tuple[float, str, dict[str, Any]]) -> Evidence:
    return replace(GOOD, timeline=tuple(EventRow(*one) for one in found))


def failed(outcome: str) -> Evidence:
    return events(
        (9.0, "effect.Dial", {"leg": "a"}), (20.0, "event.LegFailed", {"leg": "a", "outcome": outcome})
    )


def note(state: Any, error: str | None = None) -> NoteRow:
    given = Note("SCL_1:1", "SCL_1", "clara", {"texts": ["x"]}, (Step("sms", "+49301"),), "K7Q2")
    values = dict.fromkeys(NoteRow.__dataclass_fields__) | {
        "note": given,
        "state": state,
        "step": 0,
        "error": error,
    }
    return NoteRow(**values)  # type: ignore[arg-type]  # the causes look at no more of it


def leg(status: str, direction: str = "trunking-originating") -> CarrierCall:
    return CarrierCall("CA1", 1000.0, direction, "", "", status, 0, None)


SHOWN: dict[str, Evidence] = {
    "no-outbound-trunk": replace(failed("misconfigured"), outbound_trunks=0),
    "misconfigured": failed("misconfigured"),
    "no-such-number": failed("no_such_number"),
    "provider-down": failed("provider_down"),
    "declined": failed("declined"),
    "dead-message": replace(GOOD, notes=(note("dead", "sms: 21211"),)),
    "nobody-sends": replace(GOOD, notes=(note("due"),)),
    "lost-message": replace(
        GOOD, messages=(CarrierMessage("SM1", 1.0, "outbound-api", "", "", "undelivered", 1, None, None),)
    ),
    "broke-off": replace(GOOD, call=replace(CALL, ended=None)),
    "ears-down": events((3.0, "event.EarsDown", {})),
    "model-down": events((3.0, "event.ModelDown", {})),
    "nobody-accepted": events((9.0, "effect.Dial", {"leg": "a"}), (20.0, "event.LegAnswered", {"leg": "a"})),
    "busy": failed("busy"),
    "rang-out": failed("rang_out"),
    "never-rang": failed("not_available"),
    "left-waiting": events((9.0, "effect.Dial", {"leg": "a"}), (30.0, "event.CallerLeft", {})),
    "left-in-greeting": events((4.0, "event.CallerLeft", {})),
    "leg-failed": replace(GOOD, legs=(leg("failed"),)),
    "taken-over": replace(GOOD, call=replace(CALL, epoch=1)),
}


def test_every_row_of_the_table_is_tried() -> None:
    assert list(SHOWN) == [row.name for row in TABLE]


def test_a_call_that_went_well_has_no_cause() -> None:
    assert causes_of(GOOD) == []


@pytest.mark.parametrize("name", SHOWN)
def test_the_evidence_leads_to_its_cause_first(name: str) -> None:
    first = causes_of(SHOWN[name])[0]
    assert first.name == name
    assert first.because
    assert first.mend


def test_what_twilio_says_itself_comes_first() -> None:
    alert = CarrierAlert("NO1", 1001.0, "error", "32203", "CA1", "")
    first, second = causes_of(replace(failed("declined"), alerts=(alert,)))
    assert (first.name, first.what, second.name) == ("twilio-32203", "blocked by the provider", "declined")


def test_a_code_outside_the_table_is_named_all_the_same() -> None:
    alert = CarrierAlert("NO1", 1001.0, "error", "99999", "CA1", "")
    assert causes_of(replace(GOOD, alerts=(alert,)))[0].mend == "look it up at twilio.com/docs/errors/99999"


def test_a_message_that_was_tried_is_not_one_that_nobody_sends() -> None:
    tried = {"SCL_1:1": (AttemptRow(1001.0, 0, "sms", "failed", None),)}
    assert causes_of(replace(GOOD, notes=(note("due"),), attempts=tried)) == []
