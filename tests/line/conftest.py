"""Fixtures of the line: outside the box, tests that need it skip and say what is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from .kit.box import Box, api_client
from .kit.lines import assert_nothing_left, clear, close_rooms
from .kit.net import CARRIER, INSIDE, STAFF, why_not
from .kit.phone import Phone
from .reception import Reception
from .report import CASES, save_table, story_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed case tells its story, and its recordings are kept."""
    report = yield
    if report.failed and report.when == "call" and INSIDE in os.environ:
        story = story_of(item.nodeid.partition("::")[2], Path(os.environ[INSIDE]))
        report.sections.append(("the telephones", story or "rang nobody"))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of all calls."""
    if CASES and INSIDE in os.environ:
        terminalreporter.section("calls on the line, seconds")
        terminalreporter.write_line(save_table(Path(os.environ[INSIDE])))


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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reception(request: pytest.FixtureRequest, box: Box, run_folder: Path) -> AsyncIterator[Reception]:
    """A worker for all calls of a module, whose `AGENT` is laid over `agents/line.yaml`."""
    async with Reception(box, run_folder, request.module.AGENT) as running:
        yield running
        await close_rooms(running.lk)


@pytest_asyncio.fixture(loop_scope="module")
async def caller_phone() -> AsyncIterator[Phone]:
    """The telephone from which callers ring, for tests of a reception."""
    async with Phone(CARRIER, number="+4930111") as phone:
        yield phone


@pytest_asyncio.fixture(loop_scope="module")
async def staff() -> AsyncIterator[Phone]:
    """The telephone that every dialled number rings, for tests of a reception."""
    async with Phone(STAFF) as phone:
        yield phone
