"""What the machine was told in a call, without times: recorded on the line, compared with the rehearsal's telephone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = Path(__file__).parent / "golden"
RECORD = "CALLISI_RECORD_GOLDEN"
"""With this variable set, a run of the line writes the files; otherwise it compares with them."""
TELLING = ("leg", "outcome", "key", "channel", "number", "name", "allowed")
"""What of an event is kept."""
BY_THE_CLOCK = ("event.Said", "event.CallerSpoke")
"""Events whose place among the others depends on how long a sentence takes: no part of an outcome."""


def events_of(timeline: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The events in their order: kind and what tells them apart.

    Reminders while it rings are left out as well: they come as often as it rings long. So is the caller's leaving
    after we have hung up: it is the echo of the room that we closed.
    """
    found: list[dict[str, Any]] = []
    over = False
    for entry in timeline:
        over = over or entry["kind"] == "effect.HangUp"
        reminder = entry["data"].get("name") == "word"
        echo = over and entry["kind"] == "event.CallerLeft"
        if (
            entry["kind"].startswith("event.")
            and entry["kind"] not in BY_THE_CLOCK
            and not (reminder or echo)
        ):
            found.append({"event": entry["kind"].removeprefix("event."), **_telling(entry["data"])})
    return found


def _telling(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in TELLING if name in data}


def file_of(case: str) -> Path:
    """Where a case is kept."""
    return FOLDER / f"{case}.json"


def read(case: str) -> list[dict[str, Any]]:
    """What was recorded on the line."""
    events: list[dict[str, Any]] = json.loads(file_of(case).read_text())
    return events


def hold(case: str, timeline: Iterable[Mapping[str, Any]]) -> None:
    """Compare with what was recorded before, or record it. Raises AssertionError when they differ."""
    events = events_of(timeline)
    if os.environ.get(RECORD):
        FOLDER.mkdir(exist_ok=True)
        lines = ",\n".join(f"  {json.dumps(event)}" for event in events)
        file_of(case).write_text(f"[\n{lines}\n]\n")
    elif file_of(case).exists():
        assert events == read(case), f"the line behaved otherwise than in {file_of(case).name}"
