"""YAML text -> tree. Bounded in depth and size, because a file may come from anywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from callisi_runtime.errors import Problem, SpecError
from callisi_runtime.source.nodes import Entry, ListNode, MapNode, Node, ScalarNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callisi_runtime.source.text import Text

MAX_DEPTH = 50
"""The deepest place in an agent file is at level 9."""
MAX_NODES = 100_000
"""Values in one file, an alias counting as everything it stands for."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_COLLECTION_TAGS = frozenset({"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


def compose(text: Text) -> tuple[Node | None, list[Problem]]:
    """The tree of a text (None when empty) and its duplicate keys. Raises SpecError for what is no YAML."""
    if match := _DIRECTIVE.search(text.content):
        # libyaml takes quadratic time for many directives, and no agent file needs one.
        _fail(text, match.start(), "a line must not begin with %", "directive", "quote the text")
    composer = _Composer(text)
    try:
        return composer.document(), composer.problems
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SpecError(_syntax_problem(text, mark.index if mark else 0, error)) from None
    except yaml.YAMLError as error:
        _fail(text, 0, f"this is not YAML: {' '.join(str(error).split())}", "syntax")


class _Composer:
    """One pass over the parser's events; no recursion deeper than MAX_DEPTH."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}
        self.seen = 0
        self.events: Iterator[Any] = iter(yaml.parse(text.content, Loader=_LOADER))

    def document(self) -> Node | None:
        next(self.events)  # stream start
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        root = self.node(next(self.events), 0)
        next(self.events)  # document end
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            self.fail(
                event, "a second document begins here", "several-documents", "put it into a file of its own"
            )
        return root

    def node(self, event: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self.fail(event, f"more than {MAX_DEPTH} levels deep", "too-deep", "is it the right file?")
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        node = self.content(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        self.seen += 1
        if node.size > MAX_NODES or self.seen > MAX_NODES:
            self.fail(
                event, f"more than {MAX_NODES} values, aliases counted", "too-large", "is it the right file?"
            )
        return node

    def content(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if event.tag is not None and event.tag not in _COLLECTION_TAGS:
            self.refuse_tag(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(event, depth)
        return self.mapping(event, depth)

    def alias(self, event: Any) -> Node:
        if event.anchor not in self.anchors:
            self.fail(
                event, f"`*{event.anchor}` refers to an anchor that is not there", "alias", "quote the text"
            )
        node = self.anchors[event.anchor]
        if node is None:
            self.fail(event, f"`*{event.anchor}` contains itself", "alias", "write the value out")
        return node

    def scalar(self, event: Any) -> ScalarNode:
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self.refuse_tag(event)
        plain = event.style in (None, "") and event.tag is None
        return ScalarNode(self.text, event.start_mark.index, event.value, plain)

    def sequence(self, event: Any, depth: int) -> ListNode:
        node = ListNode(self.text, event.start_mark.index)
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            child = self.node(event, depth + 1)
            node.items.append(child)
            node.size += child.size
        return node

    def mapping(self, event: Any, depth: int) -> MapNode:
        node = MapNode(self.text, event.start_mark.index)
        merged: list[tuple[Any, Node]] = []
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event, depth)
            value = self.node(next(self.events), depth + 1)
            if key.value == "<<" and key.plain:
                merged.append((event, value))
                continue
            self.add(node, event.start_mark.index, key.value, value)
        for where, value in merged:
            self.merge(node, where, value)
        node.size += sum(entry.node.size for entry in node.entries.values())
        return node

    def key(self, event: Any, depth: int) -> ScalarNode:
        key = self.node(event, depth + 1)
        if not isinstance(key, ScalarNode):
            hint = 'quote texts that begin with { or [, such as "{{ business.name }}"'
            self.fail(event, "a key must be a word", "syntax", hint)
        return key

    def add(self, node: MapNode, at: int, key: str, value: Node) -> None:
        if (first := node.entries.get(key)) is not None:
            line, column = first.text.position(first.at)
            hint = f"it was first set at line {line}, column {column}: remove one of the two"
            self.problems.append(
                self.text.problem(at, f"duplicate key `{key}`", code="duplicate-key", hint=hint)
            )
            return
        node.entries[key] = Entry(self.text, at, value)

    def merge(self, node: MapNode, event: Any, value: Node) -> None:
        """`<<: *defaults`: what is written out wins, then the earlier map."""
        for source in value.items if isinstance(value, ListNode) else [value]:
            if not isinstance(source, MapNode):
                self.fail(event, "`<<` takes a map, or a list of maps", "syntax", "write `<<: *anchor`")
            for key, entry in source.entries.items():
                node.entries.setdefault(key, entry)

    def refuse_tag(self, event: Any) -> NoReturn:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:60]
        self.fail(
            event,
            f"the tag `{tag}` is not understood",
            "tag",
            "write the value without it, quoted if it is a text",
        )

    def fail(self, event: Any, message: str, code: str, hint: str | None = None) -> NoReturn:
        _fail(self.text, event.start_mark.index, message, code, hint)


def _fail(text: Text, at: int, message: str, code: str, hint: str | None = None) -> NoReturn:
    raise SpecError(text.problem(at, message, code=code, hint=hint))


_SYNTAX: tuple[tuple[str, str, str | None], ...] = (
    # what the parser says, what a person understands, what to do
    ("mapping values are not allowed", "a second `: ` in one line", 'quote the text if it contains ": "'),
    (
        "could not find expected ':'",
        "a line without `key:`",
        "indent the lines of a long text, or begin it with `|`",
    ),
    ("character that cannot start any token", "a text cannot begin with this character", "quote the text"),
    (
        "expected key",
        "the indentation does not fit the lines above",
        "line the keys up, or close the quotes above",
    ),
    ("expected <block end>", "the indentation does not fit the lines above", "line the keys up"),
    ("expected '-' indicator", "the indentation does not fit the list above", "line the dashes up"),
    (
        "',' or '}'",
        "this `{` is not closed, or a value in it needs quotes",
        'close it with }, and quote "${NAME}"',
    ),
    (
        "',' or ']'",
        "this `[` is not closed, or a value in it needs quotes",
        'close it with ], and quote "${NAME}"',
    ),
    ("unexpected end of stream", "the quotes that begin here are never closed", "close them"),
    ("alphabetic or numeric character", "a text cannot begin with * or &", "quote the text"),
    ("block sequence entries are not allowed", "a list cannot begin here", "put it on a line of its own"),
)


def _syntax_problem(text: Text, at: int, error: yaml.MarkedYAMLError) -> Problem:
    said = " ".join(str(error.problem or error.context or error).split())
    if text.content[at : at + 1] == "\t" or "tab" in said:
        return text.problem(at, "a tab cannot indent YAML", code="syntax", hint="use spaces")
    for needle, message, hint in _SYNTAX:
        if needle in said:
            if needle.startswith("unexpected end") and error.context_mark is not None:
                at = error.context_mark.index
            return text.problem(at, message, code="syntax", hint=hint)
    return text.problem(at, f"this is not YAML: {said}", code="syntax")
