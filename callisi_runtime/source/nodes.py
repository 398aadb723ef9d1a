"""The tree of a YAML text: every value knows the file and the character where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callisi_runtime.source.text import Text


@dataclass(slots=True, eq=False)
class ScalarNode:
    """A text, number, truth value or nothing, not yet resolved."""

    text: Text
    at: int
    value: str
    plain: bool
    """Without quotes, so that `25` is a number."""
    size: int = 1


@dataclass(slots=True, eq=False)
class ListNode:
    """A sequence."""

    text: Text
    at: int
    items: list[Node] = field(default_factory=list)
    size: int = 1


@dataclass(slots=True, eq=False)
class MapNode:
    """A mapping, its keys in the order in which they were written."""

    text: Text
    at: int
    entries: dict[str, Entry] = field(default_factory=dict)
    size: int = 1


@dataclass(slots=True, eq=False)
class Entry:
    """A key and its value; after `extends` the two may stand in different files."""

    text: Text
    at: int
    node: Node


Node = ScalarNode | ListNode | MapNode
