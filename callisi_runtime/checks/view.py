"""What a check looks at: the spec, the places of its keys, and the environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from callisi_runtime.checks.samples import Samples
from callisi_runtime.errors import Problem
from callisi_runtime.notify.gsm7 import Segments
from callisi_runtime.phone import normalise
from callisi_runtime.source import Positions
from callisi_runtime.spec import AgentSpec, Channel

Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class View:
    """One agent file, as the checks see it."""

    spec: AgentSpec
    data: Mapping[str, Any]
    """The merged file before validation: what somebody wrote, without defaults."""
    positions: Positions
    environ: Mapping[str, str]
    samples: Samples = field(init=False)
    sizes: dict[str, Segments] = field(init=False)
    """How long the longest text of each SMS is, by its path in the file; the check of messages finds it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", Samples(self.spec))  # the class is frozen
        object.__setattr__(self, "sizes", {})

    def error(self, loc: Loc, message: str, code: str, **details: Any) -> Problem:
        """A mistake at `loc`."""
        return self.positions.problem(loc, message, code=code, **details)

    def warning(self, loc: Loc, message: str, code: str, **details: Any) -> Problem:
        """Something legal that is surely not meant."""
        return self.positions.problem(loc, message, code=code, severity="warning", **details)

    def wrote(self, *loc: str | int) -> bool:
        """Whether the key stands in the file, rather than being a default."""
        value: Any = self.data
        for part in loc:
            if not has(value, part):
                return False
            value = value[part]
        return True

    def target(self, index: int) -> Loc:
        """Where the number of target `index` stands, in whichever form `transfer.to` was written."""
        to = self.data["transfer"]["to"]
        if isinstance(to, list):
            return (
                ("transfer", "to", index, "to") if isinstance(to[index], dict) else ("transfer", "to", index)
            )
        return ("transfer", "to", "to") if isinstance(to, dict) else ("transfer", "to")

    def channels(self) -> Iterator[tuple[Loc, Channel]]:
        """Each fallback channel, and where its block stands."""
        for index, channel in enumerate(self.spec.fallback.channels if self.spec.fallback else ()):
            yield ("fallback", "channels", index, channel.kind), channel

    def own_numbers(self) -> dict[str, str]:
        """E.164 -> what the number is, for every number that leads to this agent or must not be dialled by it."""
        own = dict.fromkeys(self.spec.business.numbers, "your own, by `business.numbers`")
        twilio = normalise(self.environ.get("TWILIO_PHONE_NUMBER")).e164
        if twilio:
            own[twilio] = "TWILIO_PHONE_NUMBER, on which the agent answers"
        return own | {
            self.spec.business.phone: "`business.phone`, which callers are told when nothing else helps"
        }


def has(value: Any, part: str | int) -> bool:
    """Whether plain data has this key, or this index."""
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, Mapping) and part in value


Check = Callable[[View], Iterator[Problem]]
Severity = Literal["error", "warning"]
