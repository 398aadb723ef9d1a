"""A union reports the errors of every branch; a person meant one of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from callisi_runtime.source.positions import Loc, Positions

_WRONG_KIND = ("_type", "_parsing")


def one_branch(details: list[ErrorDetails], positions: Positions, start: int = 0) -> list[ErrorDetails]:
    """For each union, the errors of the branch that the value comes nearest to.

    Only parts of a `loc` from `start` on are looked at: the ones before belong to an outer union, already decided.
    """
    groups: dict[Loc, dict[str | int, list[ErrorDetails]]] = defaultdict(lambda: defaultdict(list))
    kept: list[ErrorDetails] = []
    for detail in details:
        at = _tag_index(detail, positions, start)
        if at is None:
            kept.append(detail)
        else:
            groups[detail["loc"][:at]][detail["loc"][at]].append(detail)
    for prefix, branches in groups.items():
        depth = len(prefix) + 1
        nearest = min(branches.values(), key=lambda errors: _distance(errors, depth))
        kept += one_branch(nearest, positions, depth)
    return kept


def _tag_index(detail: ErrorDetails, positions: Positions, start: int) -> int | None:
    """Where in the `loc` a part stands that is no key of the file, but the name of a union's branch."""
    loc = detail["loc"]
    last = len(loc) - (1 if detail["type"] == "missing" else 0)
    for index in range(start, last):
        if positions.place(loc[: index + 1]).used != index + 1:
            return index
    return None


def _distance(errors: list[ErrorDetails], depth: int) -> tuple[bool, bool, int]:
    """How far a branch is from the value: of another kind altogether; missing its keys; how many errors."""
    other_kind = any(error["type"].endswith(_WRONG_KIND) and len(error["loc"]) == depth for error in errors)
    missing = any(error["type"] == "missing" for error in errors)
    return (other_kind, missing, len(errors))
