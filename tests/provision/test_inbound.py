"""What staff answers by SMS comes to `callisi serve`, unless somebody else gets it already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callisi_runtime.errors import CallisiError
from callisi_runtime.provision.inbound import InboundMessages

from .desk import Desk, desk
from .test_permissions import agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY = InboundMessages.key
PUBLIC = "https://clara.example.com/"
OURS = "https://clara.example.com/twilio/inbound"
DEMO = "https://demo.twilio.com/welcome/sms/reply/"
FOREIGN = "https://crm.example.com/sms"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path, InboundMessages(), yaml=agent()) as one:
        one.settings["callisi_public_url"] = PUBLIC
        yield one


def number(office: Desk) -> dict[str, Any]:
    (row,) = office.twilio.parts["numbers"].owned.values()  # type: ignore[attr-defined]
    found: dict[str, Any] = row
    return found


@pytest.mark.parametrize("before", ["", DEMO, "https://old.example.com/twilio/inbound"])
async def test_a_number_that_sends_them_nowhere_is_told(office: Desk, before: str) -> None:
    number(office)["sms_url"] = before
    assert [one.field for one in (await office.step(KEY)).changes] == ["sms_url"]
    assert await office.apply() == (KEY,)
    assert number(office)["sms_url"] == OURS
    assert await office.apply() == ()


async def test_an_address_of_somebody_else_is_left_alone_until_it_is_adopted(office: Desk) -> None:
    number(office)["sms_url"] = FOREIGN
    step = await office.step(KEY)
    assert step.blocked is not None
    assert FOREIGN in step.blocked.what
    assert await office.apply() == ()
    assert number(office)["sms_url"] == FOREIGN
    office.adopt = frozenset({number(office)["sid"]})
    assert await office.apply() == (KEY,)
    assert number(office)["sms_url"] == OURS


@pytest.mark.parametrize("fault", ["accept_then_drop", "accept_then_hang", "drop", "status:500"])
async def test_a_run_that_is_cut_off_is_continued_by_the_next(office: Desk, fault: str) -> None:
    office.twilio.faults.add("number_update", fault)
    office.timeout = 0.5 if "hang" in fault else 5.0
    if fault.startswith("accept"):
        await office.apply()
    else:
        with pytest.raises(CallisiError):
            await office.apply()
        await office.apply()
    assert number(office)["sms_url"] == OURS
    assert await office.apply() == ()


async def test_without_a_public_address_the_worker_fetches_them(office: Desk) -> None:
    office.settings.clear()
    step = await office.step(KEY)
    assert (step.action, step.why) == (
        "skipped",
        "CALLISI_PUBLIC_URL is not set: the worker fetches the answers",
    )


async def test_only_our_own_address_is_taken_away(office: Desk) -> None:
    number(office)["sms_url"] = FOREIGN
    assert await office.destroy() == ()
    assert number(office)["sms_url"] == FOREIGN
    number(office)["sms_url"] = OURS
    assert await office.destroy() == (KEY,)
    assert number(office)["sms_url"] == ""


async def test_every_request_is_one_of_twilios_own(tmp_path: Path) -> None:
    async with desk(tmp_path, InboundMessages(), yaml=agent(), checked=True) as office:
        office.timeout, office.settings = 60.0, {"callisi_public_url": PUBLIC}
        assert await office.apply() == (KEY,)
