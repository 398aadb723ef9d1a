"""Imports go one way, and LiveKit's agent framework stays where calls are live."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "callisi_runtime"
LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "docstrings errors phone money",
        "environ settings spec source phrases",
        "hours templates",
        "flow",
        "plan ledger",
        "notify",
        "render prove call tools carrier",
        "checks loopback brain simulate linetest",
        "live provision cost rca",
        "rehearse doctor web",
        "schema reference",
        "cli",
    )
)
"""From the ground up. A package imports from its own layer and those below."""

LIVEKIT_ALLOWED = ("live/", "rehearse/", "loopback/", "cli/commands/line_test.py")


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports when it runs; those for type checkers only are left aside."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        else:
            waiting += ast.iter_child_nodes(node)
    return frozenset(found)


def part(path: Path) -> str:
    """`callisi_runtime/flow/model.py` -> `flow`, `callisi_runtime/errors.py` -> `errors`."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def layer(name: str) -> int | None:
    return next((number for number, names in enumerate(LAYERS) if name in names), None)


def test_every_part_of_the_house_has_a_layer() -> None:
    parts = {part(path) for path in modules()} - {"__init__", "__main__"}
    assert {name for name in parts if layer(name) is None} == set()


def test_nothing_imports_what_stands_above_it() -> None:
    above = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules()
        for name in imports(path)
        if name.startswith("callisi_runtime.")
        and (layer(name.split(".")[1]) or 0) > (layer(part(path)) or len(LAYERS))
    }
    assert above == set()


def test_the_agent_framework_is_imported_for_live_calls_only() -> None:
    elsewhere = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules()
        if not str(path.relative_to(PACKAGE)).startswith(LIVEKIT_ALLOWED)
        for name in imports(path)
        if name.startswith(("livekit.agents", "livekit.plugins"))
    }
    assert elsewhere == set()


def test_the_machine_is_pure() -> None:
    impure = {
        "time",
        "datetime",
        "random",
        "asyncio",
        "os",
        "logging",
        "uuid",
        "secrets",
        "pathlib",
        "socket",
    }
    found = {name for path in modules() if part(path) == "flow" for name in imports(path)}
    assert {name.split(".")[0] for name in found} & impure == set()
