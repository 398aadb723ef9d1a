"""Tree -> plain data: variables filled in, scalars resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from callisi_runtime.source.extends import REMOVE
from callisi_runtime.source.nodes import ListNode, MapNode, Node, ScalarNode
from callisi_runtime.source.text import UNPRINTABLE
from callisi_runtime.source.yaml12 import resolve

if TYPE_CHECKING:
    from callisi_runtime.errors import Problem
    from callisi_runtime.source.environment import Environment, Expansion


@dataclass(slots=True)
class Evaluation:
    """What evaluating a tree brought to light beside the data."""

    environment: Environment
    problems: list[Problem] = field(default_factory=list)
    unknown: set[int] = field(default_factory=set)
    """Identities of the nodes whose value is not known, so that nothing can be said about it."""
    expansions: dict[int, Expansion] = field(default_factory=dict)
    """By identity of the node: where a value came from."""


def evaluate(node: Node, evaluation: Evaluation) -> Any:
    """The data of a tree: dicts with text keys, lists, scalars."""
    if isinstance(node, MapNode):
        return {key: evaluate(entry.node, evaluation) for key, entry in node.entries.items()}
    if isinstance(node, ListNode):
        return [evaluate(item, evaluation) for item in node.items]
    return _scalar(node, evaluation)


def _scalar(node: ScalarNode, evaluation: Evaluation) -> Any:
    if not node.plain and (hidden := UNPRINTABLE.search(node.value)):
        _report(node, evaluation, _unprintable(node, hidden[0]))
        return None
    if "$" not in node.value:
        return resolve(node.value) if node.plain else node.value
    if node.value == REMOVE:
        _report(node, evaluation, _nothing_to_remove(node))
        return None
    expansion = evaluation.environment.expand(node.value)
    evaluation.expansions[id(node)] = expansion
    for problem in _variable_problems(node, expansion):
        _report(node, evaluation, problem)
    return resolve(expansion.value) if node.plain and expansion.whole else expansion.value


def _report(node: ScalarNode, evaluation: Evaluation, problem: Problem) -> None:
    evaluation.unknown.add(id(node))
    if problem not in evaluation.problems:  # an alias is evaluated wherever it is used
        evaluation.problems.append(problem)


def _unprintable(node: ScalarNode, char: str) -> Problem:
    """Escapes such as `\\0` and `\\ud800` put into a text what cannot be said, sent or stored."""
    message = f"an escape stands for the invisible character U+{ord(char):04X}"
    return node.text.problem(node.at, message, code="encoding", hint="remove it")


def _nothing_to_remove(node: ScalarNode) -> Problem:
    hint = "`$remove` takes away a key that the extended file has"
    return node.text.problem(node.at, "there is nothing to remove here", code="nothing-to-remove", hint=hint)


def _variable_problems(node: ScalarNode, expansion: Expansion) -> list[Problem]:
    found = []
    for name in dict.fromkeys(expansion.undefined):
        message = f"the environment variable {name} is not set, or empty"
        hint = f"set {name} in .env, or write ${{{name}:-default}}"
        found.append(node.text.problem(node.at, message, code="undefined-variable", hint=hint))
    for broken in dict.fromkeys(expansion.broken):
        message = f"`{broken[:40]}` is not a variable"
        hint = "write ${NAME} or ${NAME:-default}; $${ stands for a literal ${"
        found.append(node.text.problem(node.at, message, code="bad-variable", hint=hint))
    return found
