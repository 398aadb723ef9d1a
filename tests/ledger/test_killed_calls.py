"""A call's process is killed at any of its writes, and nobody takes the call over: staff is told, or need not be."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from typing import TYPE_CHECKING

import pytest

from callisi_runtime.ledger import Ledger
from callisi_runtime.notify import Sender

from .mortal import Letterbox, call_that_dies

if TYPE_CHECKING:
    from pathlib import Path

PERSON = "Ich möchte mit einem Menschen sprechen"
LATER = 3600.0
NOBODY_NEEDS_TO = ("served", "withdrew", "accepted_by_person")


def killed(url: str, letters: Path, lines: list[str], staff: str, at: int) -> bool:
    """Whether the call came to its write number `at`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.ledger.mortal"])
    process = context.Process(target=call_that_dies, args=(url, letters, lines, staff, at))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -9)
    return process.exitcode == -9


async def aftermath(url: str, letters: Path) -> tuple[list[str], str | None, bool]:
    """What staff gets an hour later, what closed the promise, and whether there was a call at all."""
    ledger = Ledger(url, clock=lambda: time.time() + LATER)
    await ledger.open()
    await Sender(ledger, {"sms": Letterbox(letters)}).drain()
    promises = await ledger.obligations(open_only=False)
    await ledger.close()
    return Letterbox(letters).lines(), promises[0].evidence if promises else None, bool(promises)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("lines", "staff"),
    [
        ([PERSON, "/wait 60s", "Auf Wiederhören"], "no-answer"),
        ([PERSON, "/wait 20s"], "answers"),
        ([PERSON, "Nein, doch nicht", "Auf Wiederhören"], "no-answer"),
        (["Auf Wiederhören"], "no-answer"),
    ],
    ids=["nobody answers", "a person answers", "the caller withdraws", "the caller says goodbye"],
)
async def test_staff_is_told_exactly_when_the_caller_is_owed_it(
    tmp_path: Path, lines: list[str], staff: str
) -> None:
    for at in range(1, 200, 2):
        url, letters = f"sqlite:///{tmp_path}/{at}.db", tmp_path / f"{at}.txt"
        died = await asyncio.to_thread(killed, url, letters, lines, staff, at)
        told, evidence, begun = await aftermath(url, letters)
        if not begun:
            assert told == []
        elif evidence in NOBODY_NEEDS_TO:
            assert told == [], f"killed at {at}: staff is told of a caller who was served"
        else:
            assert (evidence, len(told)) == ("message_accepted", 1), f"killed at write {at}"
        if not died:
            break
    assert at > 5, "the call was killed at every other of its writes"
