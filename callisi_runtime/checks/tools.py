"""Tools that are declared in vain, and tools that are counted on but not declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from callisi_runtime.checks.view import View
from callisi_runtime.errors import Problem
from callisi_runtime.spec import ToolName

TOOL_NAMES: tuple[str, ...] = get_args(ToolName)


def check_tools(view: View) -> Iterator[Problem]:
    """Each tool once, and only where what it needs is declared."""
    spec = view.spec
    needs = {
        "request_human_transfer": (spec.transfer, "transfer", "nobody can be dialled"),
        "take_message": (spec.fallback, "fallback", "a message would reach nobody"),
        "opening_hours": (spec.hours, "hours", "there are no opening hours to tell"),
    }
    seen: set[str] = set()
    for index, tool in enumerate(spec.tools):
        loc = ("tools", index)
        if tool.name in seen:
            yield view.error(loc, f"the tool `{tool.name}` stands twice", "duplicate-tool", hint="remove one")
        seen.add(tool.name)
        block, key, why = needs.get(tool.name, (True, "", ""))
        if block is None:
            hint = f"declare `{key}:`, or take the tool out"
            yield view.error(loc, f"`{tool.name}` needs `{key}`: {why}", "tool-without-block", hint=hint)


def check_persona_tools(view: View) -> Iterator[Problem]:
    """A tool that the persona speaks of is declared, so that the model is not told to do what it cannot."""
    declared = {tool.name for tool in view.spec.tools}
    for name in TOOL_NAMES:
        if name not in declared and re.search(rf"\b{name}\b", view.spec.persona):
            written = ", ".join([*(tool.name for tool in view.spec.tools), name])
            hint = f"write `tools: [{written}]`"
            yield view.error(
                ("persona",),
                f"the persona names the tool `{name}`, which is not declared",
                "undeclared-tool",
                hint=hint,
            )


def check_ringing_question(view: View) -> Iterator[Problem]:
    """The answer to a question that is asked while it rings must be able to go somewhere."""
    transfer = view.spec.transfer
    if transfer is None or transfer.while_ringing != "ask":
        return
    if "take_message" not in {tool.name for tool in view.spec.tools}:
        yield view.error(
            ("transfer", "while_ringing"),
            "`while_ringing: ask` needs the tool `take_message`: the answer would be lost",
            "undeclared-tool",
            hint="add `take_message` to `tools`, or write `while_ringing: tone`",
        )
