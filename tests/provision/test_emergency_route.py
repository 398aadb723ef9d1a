"""The carrier's own emergency route: `--twiml`, doctor, plan and docs say the same about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from callisi_runtime.checks import load_agent
from callisi_runtime.doctor.twiml import judged
from callisi_runtime.errors import CallisiError, UsageError
from callisi_runtime.provision.twilio_trunk import Trunk
from callisi_runtime.provision.twiml import BRIEFLY, WHEN, Kind, emergency_twiml
from callisi_runtime.provision.world import World
from callisi_runtime.settings import Settings

if TYPE_CHECKING:
    from callisi_runtime.spec import AgentSpec

ROOT = Path(__file__).parents[2]
STAFF, OFFICE = "+493090182011", "+4915799912345"
THANKS = "https://handler.twilio.com/twiml/EH2?a=1&b=2"
SETTINGS = Settings(twilio_phone_number=OFFICE)


def clara(forward: str = STAFF) -> AgentSpec:
    environ = {"DEFAULT_FORWARD_NUMBER": forward} if forward else {}
    return load_agent(ROOT / "agents/clara.yaml", environ).value


def printed(kind: Kind) -> str:
    return emergency_twiml(clara(), SETTINGS, kind, THANKS if kind == "record" else None)


def spoken(kind: Kind) -> list[str]:
    return [str(one.text) for one in ElementTree.fromstring(printed(kind).encode()).iter("Say")]


@pytest.mark.parametrize(
    ("kind", "verbs", "then"),
    [
        ("say", ["Say", "Dial", "Say"], "speaks"),
        ("record", ["Say", "Dial", "Say", "Record", "Say"], "records"),
    ],
)
def test_it_rings_the_first_person_and_then_does_what_was_asked_and_doctor_reads_that(
    kind: Kind, verbs: list[str], then: str
) -> None:
    root = ElementTree.fromstring(printed(kind).encode())
    assert [one.tag for one in root] == verbs
    dial = root.find("Dial")
    assert dial is not None
    assert (dial.text, dial.get("callerId"), dial.get("timeout")) == (STAFF, OFFICE, "25")
    found = judged(printed(kind), {STAFF})
    assert (found.state, found.what) == (
        "ok",
        f"the disaster recovery URL rings somebody, and {then} when nobody picks up",
    )


def test_whoever_is_recorded_was_told_before_and_hears_an_end() -> None:
    root = ElementTree.fromstring(printed("record").encode())
    record = root.find("Record")
    assert record is not None
    assert record.get("action") == THANKS, "without one, Twilio would begin anew"
    announced = spoken("record")[1]
    assert "wird aufgezeichnet" in announced
    assert "legen Sie bitte auf" in announced
    assert [one.tag for one in ElementTree.fromstring(printed("thanks").encode())] == ["Say", "Hangup"]
    assert "Record" not in printed("say")


@pytest.mark.parametrize("kind", ["say", "record"])
def test_after_the_ringing_nothing_is_claimed_that_a_talk_would_make_untrue(kind: Kind) -> None:
    assert all("niemand erreichbar" not in text for text in spoken(kind))
    assert spoken(kind)[1].startswith("Falls Sie niemanden erreicht haben")


@pytest.mark.parametrize(("kind", "url"), [("record", None), ("say", THANKS), ("thanks", THANKS)])
def test_a_message_needs_what_follows_it(kind: Kind, url: str | None) -> None:
    with pytest.raises(UsageError, match="begins anew"):
        emergency_twiml(clara(), SETTINGS, kind, url)


def test_without_a_person_there_is_no_route() -> None:
    with pytest.raises(CallisiError, match="set DEFAULT_FORWARD_NUMBER"):
        emergency_twiml(clara(forward=""), SETTINGS)


@pytest.mark.parametrize("url", [None, "https://handler.twilio.com/twiml/EH1"])
async def test_the_plan_says_when_it_acts_and_when_not(url: str | None) -> None:
    async with World(clara(), Settings(twilio_disaster_recovery_url=url), (Trunk(),)) as world:
        remark = await Trunk().remark(world, None) or ""
    assert remark.endswith(WHEN)
    assert ("no disaster recovery URL" in remark) is (url is None)
    assert "486 (busy)" in WHEN
    assert "486 (busy)" in BRIEFLY, "and doctor says no other"


def test_docs_say_the_same_and_name_every_form() -> None:
    page = " ".join((ROOT / "docs/number.md").read_text(encoding="utf-8").split())
    assert WHEN in page
    for command in ("--twiml Paste", "--twiml thanks ", "--twiml record --thanks-url "):
        assert command in page
    assert "nobody is notified" in page
