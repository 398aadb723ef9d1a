"""Compile, render, check."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import jinja2
from jinja2 import meta, nodes

from callisi_runtime.templates import grammar
from callisi_runtime.templates.sandbox import (
    MAX_WORK,
    TooMuch,
    attribute_names,
    budget,
    make_sandbox,
    unknown_attribute,
)

if TYPE_CHECKING:
    from types import TracebackType

MAX_SOURCE = 20_000
"""Characters of a template's own text."""
LIMIT_CHARS = 20_000
"""Characters that a rendered text may have."""

_FILE = "<template>"
_SANDBOX = make_sandbox()


class TemplateProblem(Exception):
    """A template that does not parse, uses what it may not, names something unknown, or takes too much."""

    def __init__(self, message: str, lineno: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.lineno = lineno
        """1-based, inside the template."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A compiled template."""

    text: str
    code: jinja2.Template

    def render(self, variables: Mapping[str, object], *, limit_chars: int = LIMIT_CHARS) -> str:
        """The text with its variables filled in. Raises TemplateProblem."""
        token = budget.set([MAX_WORK])
        try:
            return "".join(self._pieces(variables, limit_chars))
        except TemplateProblem:
            raise
        except TooMuch as error:
            raise TemplateProblem(str(error), _line(error.__traceback__)) from None
        except Exception as error:
            raise TemplateProblem(_words(error), _line(error.__traceback__)) from None
        finally:
            budget.reset(token)

    def _pieces(self, variables: Mapping[str, object], limit_chars: int) -> Iterator[str]:
        length = 0
        for piece in self.code.generate(variables):
            length += len(piece)
            if length > limit_chars:
                raise TooMuch(f"the text grows beyond {limit_chars} characters")
            yield piece


@lru_cache(maxsize=1024)
def compile_template(text: str) -> Template:
    """Compile a template, or take it from the cache. Raises TemplateProblem with the first thing that is wrong."""
    tree = _parse(text)
    for message, line in grammar.refusals(tree):
        raise TemplateProblem(message, line)
    try:
        code = _SANDBOX.compile(_rooted(grammar.bind(tree)), filename=_FILE)
    except (jinja2.TemplateError, RecursionError, MemoryError, SyntaxError, ValueError) as error:
        raise TemplateProblem(_words(error)) from None
    return Template(text, jinja2.Template.from_code(_SANDBOX, code, dict(_SANDBOX.globals)))


def render(text: str, variables: Mapping[str, object], *, limit_chars: int = LIMIT_CHARS) -> str:
    """Render a template's text. Raises TemplateProblem, also when the result has more than `limit_chars`."""
    return compile_template(text).render(variables, limit_chars=limit_chars)


def check(text: str, sample: Mapping[str, object]) -> list[str]:
    """Everything wrong with a template, given a sample of its variables; empty when it renders.

    Looks at the syntax, then at every name and attribute in every branch, then renders with the sample.
    """
    many_lines = "\n" in text.strip()
    try:
        tree = _parse(text)
        found = list(grammar.refusals(tree)) or [*_unknown_names(tree, sample), *_unknown_parts(tree, sample)]
        if not found:
            render(text, sample)
    except TemplateProblem as problem:
        found = [(problem.message, problem.lineno or 1)]
    lines = [
        f"line {line}: {message}" if many_lines else message for message, line in sorted(found, key=_by_line)
    ]
    return list(dict.fromkeys(lines))


def _parse(text: str) -> nodes.Template:
    if len(text) > MAX_SOURCE:
        raise TemplateProblem(f"the template is longer than {MAX_SOURCE} characters")
    try:
        return _SANDBOX.parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateProblem(_words(error), error.lineno) from None
    except RecursionError:
        raise TemplateProblem("the template is nested too deeply") from None
    except (ValueError, MemoryError, OverflowError) as error:
        raise TemplateProblem(_words(error)) from None


def _rooted(tree: nodes.Template) -> nodes.Template:
    tree.set_environment(_SANDBOX)
    return tree


def _unknown_names(tree: nodes.Template, sample: Mapping[str, object]) -> Iterator[grammar.Refusal]:
    unknown = meta.find_undeclared_variables(tree) - set(sample) - set(_SANDBOX.globals)
    for node in tree.find_all(nodes.Name):
        if node.name in unknown and node.ctx == "load":
            near = difflib.get_close_matches(node.name, list(sample), n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sample)}"
            yield f"unknown name `{node.name}`; {hint}", node.lineno


def _unknown_parts(tree: nodes.Template, sample: Mapping[str, object]) -> Iterator[grammar.Refusal]:
    """Attributes that the sample lacks, in branches that it does not take too."""
    local = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    for node in tree.find_all(nodes.Getattr):
        known, owner = _value(node.node, {name: value for name, value in sample.items() if name not in local})
        names = attribute_names(owner) if known else []
        if names and node.attr not in names:
            yield unknown_attribute(owner, node.attr), node.lineno


def _value(node: nodes.Node, sample: Mapping[str, object]) -> tuple[bool, object]:
    """The sample's value of `a.b.c`, if it has one."""
    if isinstance(node, nodes.Name):
        return node.name in sample, sample.get(node.name)
    if isinstance(node, nodes.Getattr):
        known, owner = _value(node.node, sample)
        if known and isinstance(owner, Mapping):
            return node.attr in owner, owner.get(node.attr)
        if known and node.attr in attribute_names(owner):
            return True, getattr(owner, node.attr)
    return False, None


def _words(error: BaseException) -> str:
    if isinstance(error, RecursionError | MemoryError):
        return "the template is nested too deeply"
    if isinstance(error, jinja2.TemplateError):
        return (error.message or "the template cannot be read").rstrip(".")
    if isinstance(error, ValueError) and "integer string conversion" in str(error):
        return "a number is too large"
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    return " ".join(str(error).split())[:200] or type(error).__name__


def _line(trace: TracebackType | None) -> int | None:
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _by_line(found: grammar.Refusal) -> int:
    return found[1]
