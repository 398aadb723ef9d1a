"""The completion checklist ticks off what is so now, and what the ledger shows to have been tried."""

from __future__ import annotations

import time

import pytest
from syrupy.assertion import SnapshotAssertion

from callisi_runtime.doctor.checklist import OLD, Tick, tick_off
from callisi_runtime.ledger import CallRow, Fault, Note, Receipt, Step

from .conftest import MOBILE, Office


async def ticks(office: Office) -> dict[str, Tick]:
    return {one.text: one for one in await tick_off(office.patient())}


async def tried(office: Office, *, ago: float = 60.0) -> None:
    """One call whose caller was put through, and one whose SMS arrived."""
    ledger = await office.ledger()
    began = time.time() - ago
    ledger.clock = lambda: began
    await ledger.begin_call(CallRow("SCL_1", "clara", None, began, "call-1"))
    await ledger.add_event("SCL_1", 1.5, "event.Said", {"key": "greeting"})
    await ledger.add_event("SCL_1", 9.0, "effect.Dial", {"leg": 1})
    await ledger.close_obligation("SCL_1", "accepted_by_person")
    await ledger.begin_call(CallRow("SCL_2", "clara", None, began, "call-2"))
    note = Note("SCL_2:1", "SCL_2", "clara", {"texts": ["x"]}, (Step("sms", MOBILE),), "K7Q2")
    await ledger.arm(note, due_in=0)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.taken(row, "SM1", poll_in=5, what="sent")
    await ledger.apply_receipt("SCL_2:1", 0, Receipt("delivered", "SM1"), Fault("lost"))
    await ledger.close()


async def test_a_fresh_set_up_lacks_only_what_was_not_tried_yet(
    office: Office, snapshot: SnapshotAssertion
) -> None:
    found = list((await ticks(office)).values())
    assert {one.text for one in found if one.state == "open"} == {
        "a call is answered",
        "a caller is put through to a person",
        "the SMS arrives when nobody picks up",
    }
    port = str(office.sip.port)
    assert [
        f"{one.state:10} {one.section}: {one.text}: {one.what}".replace(port, "PORT") for one in found
    ] == snapshot


async def test_all_is_ticked_once_calls_were_tried(office: Office) -> None:
    await tried(office)
    found = await ticks(office)
    assert {one.state for one in found.values()} == {"done", "not_needed"}
    assert found["a caller is put through to a person"].what.startswith("last 20")


async def test_a_trial_of_long_ago_proves_little(office: Office) -> None:
    await tried(office, ago=OLD + 3600)
    found = (await ticks(office))["a call is answered"]
    assert (found.state, found.what.endswith("long ago")) == ("open", True)


async def test_a_message_that_was_taken_but_did_not_arrive_is_not_ticked(office: Office) -> None:
    ledger = await office.ledger()
    await ledger.begin_call(CallRow("SCL_2", "clara", None, ledger.clock(), "call-2"))
    note = Note("SCL_2:1", "SCL_2", "clara", {"texts": ["x"]}, (Step("sms", MOBILE),), "K7Q2")
    await ledger.arm(note, due_in=0)
    (row,) = await ledger.claim(1, lease=60)
    await ledger.taken(row, "SM1", poll_in=5, what="sent")
    await ledger.close()
    found = (await ticks(office))["the SMS arrives when nobody picks up"]
    assert (found.state, found.what) == ("open", "one was sent, and its arrival is not reported")


async def test_calls_of_another_agent_tick_nothing(office: Office) -> None:
    await tried(office)
    office.extend("", "forward_sms")
    (office.folder / "own.yaml").write_text(
        (office.folder / "own.yaml").read_text(encoding="utf-8").replace("name: clara", "name: otto"),
        encoding="utf-8",
    )
    assert (await ticks(office))["a call is answered"].state == "open"


async def test_what_is_broken_is_not_ticked_and_says_what_mends_it(office: Office) -> None:
    office.number["trunk_sid"] = None
    found = (await ticks(office))["the number belongs to it"]
    assert (found.state, found.mend) == ("open", "callisi provision agents/clara.yaml --apply")


@pytest.mark.parametrize(
    ("name", "value", "text", "what"),
    [
        ("LIVEKIT_URL", "http://127.0.0.1:9", "it leads to LiveKit", "LiveKit was not asked"),
        (
            "LIVEKIT_URL",
            "http://127.0.0.1:9",
            "the person who is dialled is named, and can be",
            "LiveKit was not asked",
        ),
        ("TWILIO_AUTH_TOKEN", "wrong", "the number is ours, and takes calls", "Twilio was not asked"),
    ],
)
async def test_what_could_not_be_looked_at_is_not_ticked(
    office: Office, name: str, value: str, text: str, what: str
) -> None:
    office.environ[name] = value
    found = (await ticks(office))[text]
    assert (found.state, what in found.what) == ("open", True), found


async def test_an_address_at_which_nobody_speaks_sip_is_not_ticked(office: Office) -> None:
    office.sip.says = "SSH-2.0-OpenSSH"
    found = (await ticks(office))["it leads to LiveKit"]
    assert (found.state, "does not speak SIP" in found.what) == ("open", True), found


async def test_a_wrong_file_is_the_only_line(office: Office) -> None:
    office.extend("greting: Hallo\n")
    (found,) = (await ticks(office)).values()
    assert (found.state, "unknown key `greting`" in found.what) == ("open", True)
