"""Processes are killed at any moment and the provider fails in every way: nobody is lost or told twice."""

from __future__ import annotations

import pytest

from .storm import Storm


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_nobody_is_lost_and_nobody_is_told_twice(url: str) -> None:
    storm = Storm(url, notes=150, kills=20)
    await storm.run()
    assert storm.killed >= 20
    assert (storm.wrong, storm.lost, storm.duplicates) == ([], [], 0)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_without_looking_before_resending_the_storm_finds_duplicates(tmp_path: object) -> None:
    storm = Storm(f"sqlite:///{tmp_path}/callisi.db", notes=60, kills=8, mutation="no_find")
    await storm.run()
    assert storm.duplicates > 0
