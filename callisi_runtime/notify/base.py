"""What every channel is: three coroutines, two ways to fail, and the text it sends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from callisi_runtime.ledger.values import Fault, Note, Receipt, Step

Report = Literal["poll", "callback", "none"]
"""How the provider's later word comes: we ask, it calls us, or there is none."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took the message."""

    sid: str | None
    """The provider's own id."""
    report: Report = "poll"


class Retry(Exception):
    """The message did not go out this time, or nobody knows (`unknown`): the channel may be tried again."""

    def __init__(self, why: str, *, after: float | None = None, unknown: bool = True) -> None:
        super().__init__(why)
        self.after = after
        """Seconds the provider asked for; None leaves it to the sender."""
        self.unknown = unknown


class Reject(Exception):
    """The provider refused for good: the next channel at once."""

    def __init__(self, why: str, *, operator: bool = False) -> None:
        super().__init__(why)
        self.operator = operator
        """True when every message will fail like this until somebody mends the set-up."""


class Channel(Protocol):
    """One way to reach staff. What it raises besides Retry and Reject counts as an unknown end."""

    finds: bool
    """Whether `find` can tell that a message went out whose answer was lost."""

    async def send(self, note: Note, step: Step) -> Sent:
        """Sends the text of this step once."""

    async def find(self, note: Note, step: Step, *, ignore: Collection[str] = ()) -> Sent | None:
        """The message of an earlier attempt at this step, if the provider has it, whatever became of it.

        `ignore`: sids of messages that are known and were given up.
        """

    async def status(self, sid: str, step: Step) -> Receipt:
        """What the provider says about a message now."""


def index_of(note: Note, step: Step) -> int:
    """Which step of the note's route this is."""
    return note.route.index(step)


def content_of(note: Note, step: Step) -> Mapping[str, object]:
    """What this step says: an object with `text`, and what else its channel reads."""
    texts = note.body.get("texts")
    if not isinstance(texts, Sequence) or isinstance(texts, str) or not texts:
        return {"text": str(note.body.get("text", ""))}
    entry = texts[min(index_of(note, step), len(texts) - 1)]
    return entry if isinstance(entry, Mapping) else {"text": str(entry)}


def text_of(note: Note, step: Step) -> str:
    """The plain text of this step."""
    return str(content_of(note, step).get("text", ""))


def with_reference(text: str, reference: str) -> str:
    """The text, with `Ref K7Q2` at its end unless it is there: staff quote it, we find it by it."""
    return text if reference in text else f"{text.rstrip()} Ref {reference}"


def masked(address: str) -> str:
    """An address for log messages: enough to recognise it, not enough to use it."""
    return f"{address[:4]}...{address[-2:]}" if len(address) > 8 else "..."


__all__ = [
    "Channel",
    "Fault",
    "Note",
    "Receipt",
    "Reject",
    "Report",
    "Retry",
    "Sent",
    "Step",
    "content_of",
    "index_of",
    "masked",
    "text_of",
    "with_reference",
]
