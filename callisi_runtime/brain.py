"""A small receptionist without a language model: pure, deterministic, and honest about what it does not know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from callisi_runtime.hours import in_words
from callisi_runtime.phrases import normal, wish

if TYPE_CHECKING:
    from callisi_runtime.loopback.brain import Brain
    from callisi_runtime.plan import CallFacts, CallPlan

ASK_MESSAGE = "Was darf ich ausrichten?"
EMERGENCY = "Bei einem Notfall legen Sie bitte sofort auf und wählen Sie die 112."

URGENT = re.compile(
    r"\b(notfall|notarzt|lebensgefahr|bewusstlos|es brennt|feuer|herzinfarkt|schlaganfall|überfall)\b"
)
TIME = re.compile(
    r"\b(wie spät|uhrzeit|wie viel uhr|wieviel uhr|welcher tag|welches datum|der wievielte|den wievielten)\b"
)
HOURS = re.compile(
    r"\b(öffnungszeit\w*|geöffnet|offen|aufhaben|haben sie auf|wann (sind|haben) sie|geschlossen)\b"
)
MESSAGE = re.compile(
    r"\b(nachricht|ausrichten|richten sie|bestellen sie|rückruf|zurückrufen|rufen sie mich|notieren)\b"
)
CONTENT = re.compile(r"\b(dass|weil|wegen|um|für|bitte um|er soll|sie soll|sie möchten)\b")
NOTHING_MORE = re.compile(r"\b(danke|nein|das wars|das war alles|das war es|nichts mehr|nichts weiter)\b")
FEW_WORDS = 6
ASKS = r"(?!.*\b(wann|wie|wo|was|wer|warum|welche\w*|haben|hat|kann|können|gibt|ist das|sind)\b)"
HELLO = re.compile(rf"^{ASKS}(ja )?(hallo|guten (tag|morgen|abend)|moin|grüß gott|servus|hi)( .{{0,30}})?$")
REFUSES = re.compile(r"\b(nicht|kein\w*|ohne)\b.*\b(verb\w+|durch\w+|weiter\w+|mensch\w*|mitarbeiter\w*)\b")

Who = Literal["caller", "agent"]


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of the conversation so far."""

    who: Who
    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """What it says, or which tool it calls; never both."""

    text: str = ""
    tool: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)


def reply(plan: CallPlan, call: CallFacts, text: str, history: Sequence[Said] = ()) -> Thought:
    """What is answered to the caller's `text`.

    Args:
        plan: The agent; nothing else is known.
        call: The call.
        text: What the caller said last.
        history: What was said before, oldest first.
    """
    said = normal(text).replace("?", "").strip()
    tools: set[str] = {tool.name for tool in plan.spec.tools}
    if URGENT.search(said):
        return Thought(EMERGENCY)
    if "take_message" in tools and _was_asked(plan, call, history):
        return Thought(tool="take_message", arguments={"subject": text.strip()[:300]})
    return (
        _wished(plan, call, text, tools)
        or _known(plan, call, text, said, tools)
        or _small_talk(plan, said, tools)
    )


def after_tool(result: str) -> Thought:
    """What is said when a tool has answered: its answer."""
    return Thought(result)


def _was_asked(plan: CallPlan, call: CallFacts, history: Sequence[Said]) -> bool:
    """Whether the agent has asked what it is about since the caller last spoke."""
    questions = [ASK_MESSAGE]
    if plan.spec.transfer is not None:
        questions.append(plan.sentence("ask", call))
    since = max((index for index, one in enumerate(history) if one.who == "caller"), default=-1) + 1
    return any(one.text.strip().endswith(tuple(questions)) for one in history[since:])


def _wished(plan: CallPlan, call: CallFacts, text: str, tools: set[str]) -> Thought | None:
    transfer = plan.spec.transfer
    match wish(text, transfer.ask_for if transfer else ()):
        case "person" if "request_human_transfer" in tools:
            return Thought(tool="request_human_transfer")
        case "goodbye" if "end_call" in tools:
            return Thought(tool="end_call")
        case "identity":
            return Thought(plan.sentence("identity", call))
    return None


def _known(plan: CallPlan, call: CallFacts, text: str, said: str, tools: set[str]) -> Thought | None:
    fact = plan.fact(text, call)
    if fact is not None:
        return Thought(fact)
    if TIME.search(said) and "current_time" in tools:
        return Thought(tool="current_time")
    if HOURS.search(said):
        if "opening_hours" in tools:
            return Thought(tool="opening_hours")
        if plan.spec.hours is not None:
            return Thought(f"Geöffnet ist {in_words(plan.spec.hours)}.")
    if MESSAGE.search(said) and "take_message" in tools:
        return _message(text, said)
    return None


def _message(text: str, said: str) -> Thought:
    if CONTENT.search(said) and len(said.split()) >= 6:
        return Thought(tool="take_message", arguments={"subject": text.strip()[:300]})
    return Thought(f"Gern. {ASK_MESSAGE}")


def _small_talk(plan: CallPlan, said: str, tools: set[str]) -> Thought:
    if REFUSES.search(said):
        return Thought("Gut, ich verbinde Sie nicht. Was kann ich für Sie tun?")
    if NOTHING_MORE.search(said) and len(said.split()) <= FEW_WORDS:
        if "end_call" in tools:
            return Thought(tool="end_call")
        return Thought("Gern geschehen. Auf Wiederhören.")
    if HELLO.match(said):
        return Thought("Guten Tag. Was kann ich für Sie tun?")
    return Thought(f"Das weiß ich leider nicht. {_offer(plan, tools)}".strip())


def _offer(plan: CallPlan, tools: set[str]) -> str:
    can = []
    if plan.spec.transfer is not None:
        can.append("Sie mit einem Menschen verbinden")
    if "take_message" in tools and plan.spec.fallback is not None:
        can.append("eine Nachricht aufnehmen")
    if not can:
        return "Bitte fragen Sie mich etwas anderes."
    return f"Ich kann {' oder '.join(can)}. Was möchten Sie?"


def loopback_brain(plan: CallPlan) -> Brain:
    """The same as the language model that the loopback provider plays: `Loopback(reply=loopback_brain(plan))`.

    It knows the conversation as it was sent, and offers a tool only where the request does.
    """
    from callisi_runtime.loopback.brain import ChatRequest, Reply, ToolCall, text_of
    from callisi_runtime.plan import sample_call

    roles: dict[object, Who] = {"user": "caller", "assistant": "agent"}

    def think(request: ChatRequest) -> Reply:
        if request.last_role == "tool":
            return Reply(after_tool(text_of(request.messages[-1].get("content"))).text)
        said = [
            Said(roles[one.get("role")], text_of(one.get("content")))
            for one in request.messages
            if one.get("role") in roles
        ]
        before = said[: max((index for index, one in enumerate(said) if one.who == "caller"), default=0)]
        thought = reply(plan, sample_call(), request.last_user_text, before)
        if thought.tool is not None and thought.tool in request.tools:
            return Reply(tool_calls=(ToolCall(thought.tool, thought.arguments),))
        return Reply(thought.text)

    return think
