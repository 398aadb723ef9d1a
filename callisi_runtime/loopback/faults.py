"""How a provider is told to misbehave: rules that the next matching requests use up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast, get_args

from callisi_runtime.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

FaultKind = Literal[
    "status",  # status:503, answered with the provider's own error body
    "slow",  # slow:2.5, seconds before the request is looked at
    "hang",  # no answer, nothing done
    "drop",  # connection reset, nothing done
    "drop_mid",  # half of the answer, then a reset
    "hang_mid",  # half of the answer, then nothing
    "accept_then_hang",  # done, but nobody is told
    "accept_then_drop",  # done, then a reset instead of the answer
]
_WITH_NUMBER = ("status", "slow")


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave. `number` is the HTTP status of `status`, the seconds of `slow`."""

    kind: FaultKind
    number: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with `status` answers: `Retry-After` and the like."""

    @classmethod
    def parse(cls, text: str, headers: Mapping[str, str] | None = None) -> Fault:
        """`status:429`, `slow:2.5`, `hang` ... as a fault; UsageError when it is none."""
        kind, _, number = text.partition(":")
        if kind not in get_args(FaultKind) or bool(number) != (kind in _WITH_NUMBER):
            raise _not_a_fault(text)
        try:
            value = float(number or 0)
        except ValueError as error:
            raise _not_a_fault(text) from error
        if kind == "status" and not 400 <= value < 600:
            raise _not_a_fault(text)
        return cls(cast("FaultKind", kind), value, dict(headers or {}))

    def __str__(self) -> str:
        return f"{self.kind}:{self.number:g}" if self.kind in _WITH_NUMBER else self.kind


def _not_a_fault(text: str) -> UsageError:
    shown = [f"{kind}:NUMBER" if kind in _WITH_NUMBER else kind for kind in get_args(FaultKind)]
    return UsageError(
        Problem(
            "not a fault",
            code="unknown-fault",
            got=repr(text),
            allowed=", ".join(shown),
            hint="a status lies between 400 and 599",
        )
    )


@dataclass(slots=True)
class _Rule:
    target: str
    fault: Fault
    left: int | None

    def matches(self, operation: str) -> bool:
        return self.target in {"*", operation}


class Faults:
    """The rules of one server, used up in the order they were added."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def add(
        self,
        target: str,
        fault: str,
        *,
        times: int | None = 1,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """The next `times` requests (None: all) whose operation is `target` (`*`: any) meet `fault`."""
        self._rules.append(_Rule(target, Fault.parse(fault, headers), times))

    def take(self, operation: str) -> Fault | None:
        """The fault that a request of this operation meets, used up by asking; None when it is served."""
        for rule in self._rules:
            if rule.matches(operation):
                if rule.left is not None:
                    rule.left -= 1
                self._rules = [kept for kept in self._rules if kept.left is None or kept.left > 0]
                return rule.fault
        return None

    def clear(self) -> None:
        """From now on everything is served."""
        self._rules.clear()

    def pending(self) -> list[dict[str, object]]:
        """What is still to come, as the admin endpoint shows it."""
        return [{"target": rule.target, "fault": str(rule.fault), "times": rule.left} for rule in self._rules]
