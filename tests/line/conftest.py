"""Fixtures of the line: outside the box, tests that need it skip and say what is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .kit.box import Box, api_client
from .kit.lines import assert_nothing_left, clear, close_rooms
from .kit.net import CARRIER, INSIDE, STAFF, why_not
from .kit.phone import Phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from livekit import api

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`@pytest.mark.line("sipp")` needs the box, and sipp."""
    for item in items:
        marker = item.get_closest_marker("line")
        if marker is None or HERE not in item.path.parents:
            continue
        # One line, one set of ports: with `--dist loadgroup` all its tests go to one xdist worker.
        item.add_marker(pytest.mark.xdist_group("line"))
        if reason := why_not(*marker.args):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """Where logs and recordings of this run are kept."""
    return Path(os.environ[INSIDE])


@pytest.fixture(scope="session")
def box(run_folder: Path) -> Iterator[Box]:
    """The three servers, up for the whole session."""
    with Box(run_folder) as running:
        yield running


@pytest.fixture
async def lk(box: Box) -> AsyncIterator[api.LiveKitAPI]:
    """The server's API. After the test no room may be left; then everything is wiped for the next."""
    client = api_client()
    try:
        yield client
        try:
            await assert_nothing_left(client, within=3.0)
        finally:
            await close_rooms(client)
            await clear(client)
    finally:
        await client.aclose()


@pytest.fixture
async def carrier() -> AsyncIterator[Phone]:
    """The telephone from which callers ring."""
    async with Phone(CARRIER, number="+4930111") as phone:
        yield phone


@pytest.fixture
async def staff_phone() -> AsyncIterator[Phone]:
    """The telephone that every dialled number rings."""
    async with Phone(STAFF) as phone:
        yield phone
