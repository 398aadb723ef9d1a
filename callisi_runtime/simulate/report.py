"""What a simulation found, and whether that is as it must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["lost_caller", "false_statement", "duplicate_message", "duplicate_dial", "stumble"]
DUPLICATES_PER_CALL = 1 / 1000
"""How many messages may go out twice, each with its explanation."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be; `seed` and `call` play it again."""

    kind: Kind
    seed: int
    call: int
    what: str
    explanation: str | None = None
    """Why a message had to go out twice; None: it had not."""


@dataclass(slots=True)
class Report:
    """The whole simulation."""

    agent: str
    calls: int
    seed: int
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """What happened: `person took the call`, `killed`, `rescued`, `messages`, ..."""
    seconds: float = 0.0
    story: Sequence[tuple[float, str]] = ()
    """The course of the last call."""

    def add(self, part: Report) -> None:
        """More calls of the same seed."""
        self.calls += part.calls
        self.findings += part.findings
        self.counts += part.counts

    def of(self, kind: Kind) -> list[Finding]:
        """The findings of one kind."""
        return [one for one in self.findings if one.kind == kind]

    def broken(self) -> list[str]:
        """Each expectation that does not hold, in words."""
        found = [
            f"{len(self.of(kind))} {words}"
            for kind, words in WORDS.items()
            if kind != "duplicate_message" and self.of(kind)
        ]
        twice = self.of("duplicate_message")
        without = [one for one in twice if one.explanation is None]
        if without:
            found.append(f"{len(without)} messages went out twice for no reason")
        elif len(twice) > max(1.0, self.calls * DUPLICATES_PER_CALL):
            found.append(f"{len(twice)} messages went out twice, more than 1 in 1,000 calls")
        return found

    def as_dict(self) -> Mapping[str, object]:
        """The document that `callisi simulate --json` prints."""
        return {
            "ok": not self.broken(),
            "agent": self.agent,
            "calls": self.calls,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "lost_callers": len(self.of("lost_caller")),
            "false_statements": len(self.of("false_statement")),
            "duplicate_messages": len(self.of("duplicate_message")),
            "duplicate_dials": len(self.of("duplicate_dial")),
            "stumbles": len(self.of("stumble")),
            "findings": [
                {
                    "kind": one.kind,
                    "seed": one.seed,
                    "call": one.call,
                    "what": one.what,
                    "explanation": one.explanation,
                }
                for one in self.findings
            ],
            "happened": dict(sorted(self.counts.items())),
        }


WORDS: dict[Kind, str] = {
    "lost_caller": "callers lost",
    "false_statement": "false statements",
    "duplicate_message": "messages sent twice",
    "duplicate_dial": "duplicate dials",
    "stumble": "exceptions in our own code",
}
