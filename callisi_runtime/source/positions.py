"""From a place in the data (`("transfer", "to")`) to file, line and column."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from callisi_runtime.errors import Problem
from callisi_runtime.source.nodes import ListNode, MapNode, Node, ScalarNode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callisi_runtime.source.text import Text

Loc = tuple[str | int, ...]
MAX_GOT = 60  # characters


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The nearest thing to a `loc` that stands in a file."""

    node: Node
    text: Text
    key_at: int
    """Of the key, in `text`; of the value for a list's item or the whole file."""
    path: Loc
    """The part of the `loc` that is really there."""
    used: int
    """How many parts of the `loc` led to `node`, counted to the last one that did."""


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """Where everything stands, after `extends` in more than one file."""

    root: MapNode
    secrets: frozenset[str] = frozenset()
    """Values that are blotted out of every message."""

    def place(self, loc: Loc) -> Place:
        """The nearest existing place; parts that are not in the file (a union's tag) are skipped."""
        node: Node = self.root
        place = Place(node, node.text, node.at, (), 0)
        for index, part in enumerate(loc):
            step = _step(place, part)
            if step is not None:
                place = dataclasses.replace(step, used=index + 1)
        return place

    def problem(
        self,
        loc: Loc,
        message: str,
        *,
        code: str,
        got: str | None = None,
        allowed: str | None = None,
        hint: str | None = None,
        severity: Literal["error", "warning"] = "error",
        at: Literal["key", "value"] = "value",
    ) -> Problem:
        """A problem at the nearest existing place of `loc`, in the file it was inherited from.

        `at="value"` points at a scalar's value; maps, lists and missing keys are found by their key.
        """
        place = self.place(loc)
        there = place.used == len(loc)
        index, text = place.key_at, place.text
        if at == "value" and there and isinstance(place.node, ScalarNode):
            index, text = place.node.at, place.node.text
        line, column = text.position(index)
        problem = Problem(
            message=message,
            code=code,
            file=text.name,
            line=line,
            column=column,
            path=dotted(loc) or None,
            got=got,
            allowed=allowed,
            hint=hint,
            severity=severity,
        )
        return self._blotted(problem)

    def _blotted(self, problem: Problem) -> Problem:
        got = shorten(self._blot(problem.got)) if problem.got is not None else None
        hint = self._blot(problem.hint) if problem.hint is not None else None
        return dataclasses.replace(problem, message=self._blot(problem.message), got=got, hint=hint)

    def _blot(self, text: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "•••")
        return text


def dotted(loc: Iterable[str | int]) -> str:
    """`("fallback", "channels", 0, "sms")` as `fallback.channels[0].sms`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shorten(text: str) -> str:
    """A value in one line of at most MAX_GOT characters."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_GOT else line[: MAX_GOT - 1] + "…"


def _step(place: Place, part: str | int) -> Place | None:
    node = place.node
    if isinstance(node, MapNode):
        if (entry := node.entries.get(str(part))) is not None:
            return Place(entry.node, entry.text, entry.at, (*place.path, part), 0)
        return _step_through(place, part)
    if isinstance(node, ListNode) and isinstance(part, int) and 0 <= part < len(node.items):
        item = node.items[part]
        return Place(item, item.text, item.at, (*place.path, part), 0)
    return None


def _step_through(place: Place, part: str | int) -> Place | None:
    """`- take_message: {description: …}` is read as `{name: take_message, …}`: look deeper."""
    node = place.node
    if not isinstance(node, MapNode) or len(node.entries) != 1 or not place.path:
        return None
    if not isinstance(place.path[-1], int):
        return None
    name, only = next(iter(node.entries.items()))
    if not isinstance(only.node, MapNode) or str(part) not in only.node.entries:
        return None
    entry = only.node.entries[str(part)]
    return Place(entry.node, entry.text, entry.at, (*place.path, name, part), 0)
