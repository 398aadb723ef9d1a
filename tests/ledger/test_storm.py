"""Processes are killed at any moment and the provider fails in every way: nobody is lost or told twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .storm import Mutation, Storm

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420), pytest.mark.xdist_group("storm")]


async def test_nobody_is_lost_and_nobody_is_told_twice(url: str) -> None:
    storm = Storm(url, total=500, kills=20)
    await storm.run()
    assert storm.killed >= 20
    assert (storm.wrong, storm.lost, storm.duplicates, storm.failed) == ([], [], 0, 0)


async def test_senders_that_are_frozen_and_wake_up_when_all_is_over_change_nothing(url: str) -> None:
    storm = Storm(url, total=60, kills=2, freezes=4)
    await storm.run()
    assert storm.frozen >= 2
    assert (storm.wrong, storm.lost, storm.duplicates, storm.failed) == ([], [], 0, 0)


@pytest.mark.parametrize(
    ("mutation", "kills", "freezes"),
    [("no_find", 8, 0), ("no_fencing", 0, 4), ("no_immediate", 2, 0), ("no_lease", 0, 0)],
)
async def test_without_one_of_its_protections_the_storm_finds_it(
    tmp_path: Path, mutation: Mutation, kills: int, freezes: int
) -> None:
    """No look-up before sending again, no fencing token, BEGIN without IMMEDIATE, a sender that reserves nothing."""
    storm = Storm(
        f"sqlite:///{tmp_path}/callisi.db", total=60, kills=kills, freezes=freezes, mutation=mutation
    )
    await storm.run()
    found = {
        "no_find": storm.duplicates,
        "no_fencing": storm.duplicates + len(storm.wrong),
        "no_immediate": storm.failed,
        "no_lease": storm.duplicates,
    }
    assert found[mutation] > 0
