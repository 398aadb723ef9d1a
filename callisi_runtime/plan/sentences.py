"""Which sentence of the file the machine means by which key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from callisi_runtime.spec import AgentSpec

Block = Literal["agent", "say", "transfer", "fallback"]

SENTENCES: dict[str, Block] = {
    "greeting": "agent",
    "connecting": "transfer",
    "still_ringing": "transfer",
    "already_ringing": "transfer",
    "ask": "transfer",
    "no_answer": "transfer",
    "busy": "transfer",
    "prompt": "transfer",
    "back": "transfer",
    "time_warning": "transfer",
    "notified": "fallback",
    "trying": "fallback",
    "failed": "fallback",
    "ask_message": "fallback",
    "no_number": "fallback",
    "goodbye": "say",
    "anything_else": "say",
    "still_there": "say",
    "identity": "say",
    "moment": "say",
    "model_down": "say",
    "over_budget": "say",
    "keypad": "say",
    "resumed": "say",
    "closed": "say",
    "no_person": "say",
    "noted": "say",
    "time_over": "say",
}
"""Key -> the block of the file it stands in. The machine says nothing else, the language model none of these."""

WITHOUT_NUMBER = {"notified": "notified_hidden"}
"""What is said instead to a caller whom nobody can call back: a hidden number, and none left."""


COUNTED = "over_budget"
"""Said only where money is counted."""


def sentence_templates(spec: AgentSpec) -> dict[str, str]:
    """Key -> template, for the blocks that the file has."""
    found: dict[str, str] = {}
    for key, block in SENTENCES.items():
        text = template_of(spec, key, block)
        if text is not None and (key != COUNTED or spec.limits.cost is not None):
            found[key] = text
    if spec.fallback is not None:
        found |= {other: getattr(spec.fallback.say, other) for other in WITHOUT_NUMBER.values()}
    if spec.transfer is not None and "busy" not in found:
        found["busy"] = found["no_answer"]
    return found


def template_of(spec: AgentSpec, key: str, block: Block) -> str | None:
    """The template behind one key; None where the file has no such block."""
    if block == "agent":
        return spec.greeting
    if block == "say":
        text: str = getattr(spec.say, key)
        return text
    part = spec.transfer if block == "transfer" else spec.fallback
    return getattr(part.say, key) if part is not None else None


def path_of(key: str) -> tuple[str, ...]:
    """Where the sentence stands in the file: `("transfer", "say", "connecting")`."""
    block = SENTENCES.get(key, "fallback")
    return {"agent": ("greeting",), "say": ("say", key)}.get(block, (block, "say", key))
