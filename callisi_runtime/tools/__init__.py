"""What the language model may call: one file each, and this dict. Knows no framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callisi_runtime.tools import current_time, end_call, opening_hours, request_human_transfer, take_message
from callisi_runtime.tools.base import Answer, Arguments, Tool, ToolMistake

if TYPE_CHECKING:
    from callisi_runtime.spec import AgentSpec

TOOLS: dict[str, Tool[Any]] = {
    "current_time": current_time.TOOL,
    "opening_hours": opening_hours.TOOL,
    "request_human_transfer": request_human_transfer.TOOL,
    "take_message": take_message.TOOL,
    "end_call": end_call.TOOL,
}
"""Name in the agent file -> what it does."""


def tools_of(spec: AgentSpec) -> tuple[Tool[Any], ...]:
    """The tools that a file declares, with the file's own descriptions where it has them."""
    return tuple(TOOLS[one.name].described(one.description) for one in spec.tools)


__all__ = ["TOOLS", "Answer", "Arguments", "Tool", "ToolMistake", "tools_of"]
