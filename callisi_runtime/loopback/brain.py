"""What the loopback language model is asked, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

HONEST_SENTENCE = (
    "Ich antworte hier ohne Sprachmodell und kann nur diesen einen Satz. "
    "Wenn Sie mit einem Menschen sprechen möchten, sagen Sie es bitte."
)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request to the chat completions endpoint."""

    model: str
    messages: Sequence[Mapping[str, Any]]
    """As they were sent: `role`, `content`, `tool_calls`, `tool_call_id`."""
    tools: Sequence[str] = ()
    """The names of the functions offered."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """Everything that was sent."""

    @property
    def last_user_text(self) -> str:
        """What the caller said last; empty when nothing was said yet."""
        said = [message for message in self.messages if message.get("role") == "user"]
        return text_of(said[-1].get("content")) if said else ""

    @property
    def last_role(self) -> str:
        """Who spoke last: `tool` means that a result wants an answer."""
        return str(self.messages[-1].get("role")) if self.messages else ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model calls."""

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)

    @property
    def arguments_json(self) -> str:
        """As the protocol carries them."""
        return json.dumps(dict(self.arguments), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says and calls; both may be empty."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


Brain = Callable[[ChatRequest], Reply | Awaitable[Reply]]


def honest_sentence(_: ChatRequest) -> Reply:
    """The brain of a loopback without one."""
    return Reply(HONEST_SENTENCE)


def text_of(content: object) -> str:
    """The text of a message's content, whether it is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict)).strip()
    return ""
