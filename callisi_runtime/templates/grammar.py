"""The part of Jinja that a message needs. Everything else is refused before it can run."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from callisi_runtime.templates.sandbox import FILTERS, METHODS, TESTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_DEPTH = 60
MAX_LOOPS = 2

_ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.CondExpr),
    *(
        nodes.Name,
        nodes.Const,
        nodes.Getattr,
        nodes.Getitem,
        nodes.Slice,
        nodes.Filter,
        nodes.Test,
        nodes.Call,
    ),
    *(nodes.Keyword, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos),
    *(nodes.List, nodes.Tuple),
)
_WORDS = {
    "Include": "{% include %}",
    "Import": "{% import %}",
    "FromImport": "{% from %}",
    "Extends": "{% extends %}",
    "Macro": "{% macro %}",
    "CallBlock": "{% call %}",
    "FilterBlock": "{% filter %}",
    "AssignBlock": "{% set %} with a block",
    "Block": "{% block %}",
    "With": "{% with %}",
    "Pow": "`**`",
    "Dict": "a `{...}` of keys",
    "NSRef": "a namespace",
}

Refusal = tuple[str, int]
"""What is not allowed, and on which line."""


def refusals(tree: nodes.Template) -> Iterator[Refusal]:
    """Everything in a template that is not in the grammar."""
    stack: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
    while stack:
        node, depth, loops = stack.pop()
        if depth > MAX_DEPTH:
            yield "the template is nested too deeply", node.lineno
            return
        loops += isinstance(node, nodes.For)
        if loops > MAX_LOOPS:
            yield f"more than {MAX_LOOPS} loops inside each other", node.lineno
            return
        if message := _refusal(node):
            yield message, node.lineno
        stack += [(child, depth + 1, loops) for child in node.iter_child_nodes()]


def bind(tree: nodes.Template) -> nodes.Template:
    """The same template with bounded `~` and `for`."""
    bound = _Bounds().visit(tree)
    assert isinstance(bound, nodes.Template)
    return bound


def _refusal(node: nodes.Node) -> str | None:
    if not isinstance(node, _ALLOWED) or type(node) is nodes.NSRef:
        kind = type(node).__name__
        return f"{_WORDS.get(kind, kind)} is not available in templates"
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"unknown filter `{node.name}`{_near(node.name, FILTERS)}"
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return f"unknown test `is {node.name}`{_near(node.name, TESTS)}"
    if isinstance(node, nodes.Call):
        return _call(node)
    if isinstance(node, nodes.For) and node.recursive:
        return "a recursive loop is not available in templates"
    return _literal(node) or _hidden(node)


def _call(node: nodes.Call) -> str | None:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return "`*` and `**` are not available in calls"
    called = node.node
    if isinstance(called, nodes.Name) and called.name == "range":
        return None
    if isinstance(called, nodes.Getattr) and called.attr in METHODS:
        return None
    name = called.attr if isinstance(called, nodes.Getattr) else getattr(called, "name", "this")
    return f"`{name}` cannot be called in templates"


def _literal(node: nodes.Node) -> str | None:
    """Lists of lists could double with every line, so lists hold constants only; an assignment's target is a tuple."""
    if not isinstance(node, nodes.List | nodes.Tuple) or getattr(node, "ctx", "load") != "load":
        return None
    fixed = all(isinstance(item, nodes.Const) for item in node.items)
    return None if fixed else "a list in a template holds fixed values only"


def _hidden(node: nodes.Node) -> str | None:
    name: object = None
    if isinstance(node, nodes.Getattr):
        name = node.attr
    elif isinstance(node, nodes.Name):
        name = node.name
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        name = node.arg.value
    if isinstance(name, str) and (name.startswith("_") or name == "self"):
        return f"`{name[:40]}` is not available in templates"
    return None


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else f"; known: {', '.join(sorted(known))}"


class _Bounds(NodeTransformer):
    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        values = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(values, "_concat", [], [], None, None, lineno=node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        weight = nodes.Const(sum(1 for _ in node.find_all(nodes.Node)), lineno=node.lineno)
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_items", [weight], [], None, None, lineno=node.lineno)
        return node
