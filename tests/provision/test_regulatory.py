"""Papers for the number: what is asked for, who hands it in, and that nothing waits when nothing is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callisi_runtime.loopback.twilio_regulatory import Regulatory
from callisi_runtime.provision.regulatory import RegulatoryBundle

from .desk import Desk, desk
from .test_permissions import agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY = RegulatoryBundle.key


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Desk]:
    """An agent that has no number yet."""
    async with desk(tmp_path, RegulatoryBundle(), yaml=agent()) as one:
        one.settings["twilio_phone_number"] = ""
        yield one


def bundles(office: Desk) -> Regulatory:
    regulatory = office.twilio.parts["regulatory"]
    assert isinstance(regulatory, Regulatory)
    return regulatory


async def test_without_a_bundle_it_says_which_papers_who_where_and_how_long(office: Desk) -> None:
    step = await office.step(KEY)
    assert step.action == "blocked"
    assert step.blocked is not None
    assert step.blocked.as_dict() == {
        "what": "no regulatory bundle for DE mobile numbers; asked for: Name of Business (Excerpt from the commercial "
        "register or Trade license), Address (Excerpt from the commercial register or Trade license)",
        "who": "whoever may sign for the business",
        "where": "console.twilio.com, Phone Numbers, Regulatory Compliance, Bundles",
        "how_long": "half an hour to hand in, then some days of review",
        "then": "callisi provision agents/clara.yaml --apply --buy: it finds the bundle by itself",
    }


@pytest.mark.parametrize(
    ("status", "who", "words"),
    [
        ("draft", "whoever may sign for the business", "is a draft and was never handed in"),
        ("pending-review", "Twilio", "is being reviewed"),
        ("in-review", "Twilio", "is being reviewed"),
        ("twilio-rejected", "whoever may sign for the business", "was rejected"),
    ],
)
async def test_each_state_on_the_way_has_its_sentence(
    office: Desk, status: str, who: str, words: str
) -> None:
    sid = bundles(office).add(status).sid
    step = await office.step(KEY)
    assert step.blocked is not None
    assert step.blocked.who == who
    assert words in step.blocked.what
    assert sid in step.blocked.what


@pytest.mark.parametrize("status", ["twilio-approved", "provisionally-approved"])
async def test_an_approved_bundle_is_enough_whatever_lies_beside_it(office: Desk, status: str) -> None:
    bundles(office).add("twilio-rejected")
    sid = bundles(office).add(status).sid
    step = await office.step(KEY)
    assert (step.action, step.id) == ("unchanged", sid)


async def test_a_bundle_for_another_kind_of_number_does_not_count(office: Desk) -> None:
    bundles(office).add("twilio-approved", number_type="local")
    assert (await office.step(KEY)).action == "blocked"


async def test_whoever_has_a_number_needs_no_papers(office: Desk) -> None:
    office.settings.clear()
    assert (await office.step(KEY)).action == "unchanged"
    assert office.twilio.log.of("regulation_list") == []


async def test_papers_are_never_made_and_never_deleted(office: Desk) -> None:
    bundles(office).add("draft")
    await office.apply()
    await office.destroy()
    assert office.writes() == []
    assert len(bundles(office).bundles) == 1


async def test_every_request_is_one_of_twilios_own(tmp_path: Path) -> None:
    async with desk(tmp_path, RegulatoryBundle(), yaml=agent(), checked=True) as office:
        office.timeout, office.settings = 60.0, {"twilio_phone_number": ""}
        assert (await office.step(KEY)).action == "blocked"
