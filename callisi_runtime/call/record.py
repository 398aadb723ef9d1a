"""What happened in a call: its timeline and its transcript. Numbers are masked before anything is logged."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Literal

from callisi_runtime.flow.model import Outcome

if TYPE_CHECKING:
    from callisi_runtime.flow.effects import Effect
    from callisi_runtime.flow.events import Event

Who = Literal["caller", "agent", "staff"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One moment: an event, an effect or a note of the driver. `data` holds no words and no number of the caller."""

    at: float
    """Seconds since the answer."""
    kind: str
    """`event.LegAnswered`, `effect.Dial`, `line.greeting_heard` ..."""
    data: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence that was said."""

    at: float
    who: Who
    text: str


@dataclass(slots=True)
class CallRecord:
    """Everything that is known about a call when it is over."""

    call_id: str
    agent: str
    caller: str
    """Masked."""
    timeline: list[Entry] = field(default_factory=list)
    transcript: list[Line] = field(default_factory=list)
    outcome: str = ""

    def add(self, at: float, kind: str, **data: object) -> None:
        """Note a moment."""
        self.timeline.append(Entry(round(at, 3), kind, data))

    def add_event(self, at: float, event: Event) -> None:
        """Note what happened."""
        self.add(at, f"event.{type(event).__name__}", **plain(event))

    def add_effect(self, at: float, effect: Effect) -> None:
        """Note what was done."""
        self.add(at, f"effect.{type(effect).__name__}", **plain(effect))

    def say(self, at: float, who: Who, text: str) -> None:
        """Note what was said."""
        self.transcript.append(Line(round(at, 3), who, text))

    def busy_targets(self, since: float) -> set[int]:
        """The targets of which a dial of this call was busy at `since` seconds after the answer, or later."""
        dialled = {
            entry.data["leg"]: entry.data["target"] for entry in self.timeline if entry.kind == "effect.Dial"
        }
        return {
            int(str(dialled[entry.data["leg"]]))
            for entry in self.timeline
            if entry.kind == "event.LegFailed"
            and entry.data["outcome"] == Outcome.BUSY
            and entry.at >= since
            and entry.data["leg"] in dialled
        }

    def masked(self) -> dict[str, object]:
        """The record for the log: no words, no numbers."""
        return {
            "call": self.call_id,
            "agent": self.agent,
            "caller": self.caller,
            "outcome": self.outcome,
            "timeline": [asdict(entry) for entry in self.timeline],
        }

    def spoken(self) -> list[dict[str, object]]:
        """The transcript as JSON."""
        return [asdict(line) for line in self.transcript]


def plain(value: Event | Effect) -> dict[str, object]:
    """The fields of an event or effect, as JSON has them; defaults that say nothing are left out."""
    found: dict[str, object] = {}
    for part in fields(value):
        content = getattr(value, part.name)
        if content is not None:
            found[part.name] = list(content) if isinstance(content, tuple) else content
    return found
