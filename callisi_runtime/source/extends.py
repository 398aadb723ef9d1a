"""`extends: ../variants/basic.yaml`: maps merge key by key, lists replace, `$remove` takes a key away."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from callisi_runtime.errors import Problem, SpecError
from callisi_runtime.source import text as texts
from callisi_runtime.source.compose import compose
from callisi_runtime.source.nodes import Entry, MapNode, ScalarNode

if TYPE_CHECKING:
    from callisi_runtime.source.environment import Environment
    from callisi_runtime.source.text import Text

KEY = "extends"
REMOVE = "$remove"
"""The value that removes an inherited key: `fallback: $remove`."""
MAX_PARENTS = 20


@dataclass(slots=True)
class Family:
    """A file and its parents, merged into one tree."""

    root: MapNode
    files: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_family(path: Path, name: str, environment: Environment) -> Family:
    """Read a file and all it extends. Raises SpecError for syntax and for an `extends` that leads nowhere."""
    return _resolve(texts.read(path, name), path.parent, environment, ((_identity(path), name),), path)


def compose_family(text: Text, folder: Path, environment: Environment) -> Family:
    """The same for a text without a file; its `extends` is relative to `folder`."""
    return _resolve(text, folder, environment, ((text.name, text.name),), None)


def merge(base: MapNode, over: MapNode) -> MapNode:
    """`over` on top of `base`; an empty map changes nothing, on either side."""
    merged = MapNode(over.text, over.at, dict(base.entries))
    for key, entry in over.entries.items():
        below = base.entries.get(key)
        if below is not None and _is_remove(entry):
            del merged.entries[key]
        elif below is not None and isinstance(below.node, MapNode) and isinstance(entry.node, MapNode):
            merged.entries[key] = Entry(entry.text, entry.at, merge(below.node, entry.node))
        else:
            merged.entries[key] = entry
    return merged


Trail = tuple[tuple[str, str], ...]
"""Identity and display name of each file on the way here."""


def _resolve(text: Text, folder: Path, environment: Environment, trail: Trail, path: Path | None) -> Family:
    root, problems = compose(text)
    files = [path] if path is not None else []
    if root is None:
        raise SpecError(Problem("the file is empty", code="empty", file=text.name, line=1, column=1))
    if not isinstance(root, MapNode):
        hint = "write `key: value` lines"
        raise SpecError(text.problem(root.at, "a map of keys is expected here", code="wrong-type", hint=hint))
    entry = root.entries.pop(KEY, None)
    if entry is None:
        return Family(root, files, problems)
    parent = _parent(entry, folder, environment, trail)
    return Family(merge(parent.root, root), files + parent.files, problems + parent.problems)


def _parent(entry: Entry, folder: Path, environment: Environment, trail: Trail) -> Family:
    value = _parent_name(entry, environment)
    path = folder / value
    name = os.path.normpath(Path(trail[-1][1]).parent / value)
    trail = (*trail, (_identity(path), name))
    _refuse_circle(entry, trail)
    try:
        text = texts.read(path, name)
    except SpecError as error:
        problem = error.problems[0]
        if problem.line is not None:
            raise
        _fail(
            entry, f"`{name}` cannot be extended: {problem.message}", f"extends-{problem.code}", problem.hint
        )
    return _resolve(text, path.parent, environment, trail, path)


def _parent_name(entry: Entry, environment: Environment) -> str:
    node = entry.node
    if not isinstance(node, ScalarNode) or not node.value.strip():
        _fail(
            entry,
            "`extends` takes the path of one file",
            "extends-invalid",
            "write `extends: ../variants/basic.yaml`",
        )
    expansion = environment.expand(node.value)
    if expansion.undefined or expansion.broken:
        missing = (expansion.undefined + expansion.broken)[0]
        _fail(entry, f"`extends` names {missing}, which is not set", "undefined-variable", "set it in .env")
    return expansion.value


def _refuse_circle(entry: Entry, trail: Trail) -> None:
    identities = [identity for identity, _ in trail]
    names = [name for _, name in trail]
    if identities[-1] in identities[:-1]:
        if identities[-1] == identities[-2]:
            _fail(
                entry, "the file extends itself", "extends-circular", "remove `extends`, or name another file"
            )
        way = " extends ".join(names[identities.index(identities[-1]) :])
        _fail(entry, f"circular `extends`: {way}", "extends-circular", "one of them must stand on its own")
    if len(trail) > MAX_PARENTS:
        _fail(entry, f"more than {MAX_PARENTS} files extend each other", "extends-too-deep")


def _fail(entry: Entry, message: str, code: str, hint: str | None = None) -> NoReturn:
    raise SpecError(entry.text.problem(entry.node.at, message, code=code, hint=hint))


def _identity(path: Path) -> str:
    return os.path.realpath(path)


def _is_remove(entry: Entry) -> bool:
    return isinstance(entry.node, ScalarNode) and entry.node.value == REMOVE
