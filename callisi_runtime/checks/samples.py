"""The sample calls that every text is tried with, and what the texts become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Any

from callisi_runtime.flow.model import OUTCOME_WORDS, Outcome
from callisi_runtime.plan.facts import CHANNEL_SPOKEN, CallFacts, Message, sample_call, variables
from callisi_runtime.spec import AgentSpec
from callisi_runtime.templates import render

USUAL = Outcome.RANG_OUT
WORDIEST = max(Outcome, key=lambda outcome: len(OUTCOME_WORDS[outcome]))
"""The outcome that makes messages longest."""


@dataclass(slots=True)
class Samples:
    """Each kind of call that the texts of one agent can tell apart."""

    spec: AgentSpec
    _names: dict[bool, Mapping[str, Any]] = field(default_factory=dict)
    _rendered: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def rendered(self, text: str) -> tuple[str, ...]:
        """Every text that this template becomes, each once. Raises TemplateProblem."""
        found = self._rendered.get(text)
        if found is None:
            found = tuple(dict.fromkeys(render(text, names) for names in self.of(text)))
            self._rendered[text] = found
        return found

    def of(self, text: str) -> Iterator[Mapping[str, Any]]:
        """The names of the sample calls that matter for this text."""
        hidden = (False, True) if "caller" in text or "message" in text else (False,)
        left = (True, False) if "message" in text else (True,)
        kinds = self.kinds() if "channel" in text else self.kinds()[:1]
        told = "outcome" in text
        for each in product(hidden, left, kinds):
            yield self.names(*each, WORDIEST if told else USUAL)
        if told:  # outcomes need not be tried with everything else: what is longest was
            yield from (
                self.names(False, True, kinds[0], outcome) for outcome in Outcome if outcome is not WORDIEST
            )

    def names(self, hidden: bool, left: bool, kind: str, outcome: Outcome) -> Mapping[str, Any]:
        """The names of one sample call; `left`: whether the caller left a message."""
        call = _call(hidden)
        if hidden not in self._names:
            self._names[hidden] = variables(self.spec, call)
        message = call.message if left else Message()
        return {
            **self._names[hidden],
            "outcome": {"code": outcome.value, "words": OUTCOME_WORDS[outcome]},
            "message": {"subject": message.subject, "name": message.name, "callback": message.callback},
            "channel": {"kind": kind, "spoken": CHANNEL_SPOKEN[kind]},
        }

    def kinds(self) -> list[str]:
        """The kinds of channel that the file has."""
        channels = self.spec.fallback.channels if self.spec.fallback else ()
        return list(dict.fromkeys(channel.kind for channel in channels)) or ["sms"]


@cache
def _call(hidden: bool) -> CallFacts:
    return sample_call(hidden=hidden)


def is_plain(text: str) -> bool:
    """Whether the text has nothing to fill in."""
    return not any(mark in text for mark in ("{{", "{%", "{#"))
