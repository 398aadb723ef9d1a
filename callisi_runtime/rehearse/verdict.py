"""What came out of a rehearsal against what was expected; each difference with its place in the timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callisi_runtime.phrases import normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from callisi_runtime.rehearse.books import Notification
    from callisi_runtime.rehearse.rehearsal import Rehearsal
    from callisi_runtime.rehearse.scenario import Expected, ExpectedNotification


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that came out differently."""

    expected: str
    at: float | None = None
    """Seconds since the answer where it shows; None: at the end."""


def differences(expected: Expected, rehearsal: Rehearsal) -> list[Difference]:
    """Everything that differs; empty when the call went as expected."""
    return [
        *_said("agent", expected.said, rehearsal),
        *_said("staff", expected.staff_said, rehearsal),
        *_never_said(expected.never_said, rehearsal),
        *_messages(expected.notifications, rehearsal.books.notifications),
        *_dialled(expected.dialled, rehearsal),
        *_end(expected, rehearsal),
    ]


def contains(text: str, part: str) -> bool:
    """Whether a sentence contains another, whatever their punctuation."""
    return plain(part) in plain(text)


def plain(text: str) -> str:
    """The words alone."""
    return normal(text).replace("?", "").strip()


def _said(who: str, phrases: Sequence[str], rehearsal: Rehearsal) -> Iterator[Difference]:
    lines = [line for line in rehearsal.runner.record.transcript if line.who == who]
    index, heard, last = 0, 0, 0.0
    for phrase in phrases:
        wanted = plain(phrase)
        while index < len(lines) and wanted not in plain(lines[index].text)[heard:]:
            index, heard = index + 1, 0
        if index == len(lines):
            yield Difference(f"the {who} should have said after this: {phrase}", last)
            return
        heard = plain(lines[index].text).index(wanted, heard) + len(wanted)
        last = lines[index].at


def _never_said(phrases: Sequence[str], rehearsal: Rehearsal) -> Iterator[Difference]:
    for line in rehearsal.runner.record.transcript:
        for phrase in phrases:
            if line.who == "agent" and contains(line.text, phrase):
                yield Difference(f"the agent should not have said: {phrase}", line.at)


def _messages(
    expected: Sequence[ExpectedNotification] | None, sent: Sequence[Notification]
) -> Iterator[Difference]:
    if expected is None:
        return
    if [one.channel for one in expected] != [one.channel for one in sent]:
        yield Difference(
            f"messages: expected {_list([one.channel for one in expected])}, got {_list([one.channel for one in sent])}"
        )
        return
    for want, got in zip(expected, sent, strict=True):
        if want.status not in (None, got.status):
            yield Difference(f"the {got.channel} should be {want.status}, and is {got.status}", got.at)
        for part in want.body:
            if part not in got.body:
                yield Difference(f"the {got.channel} should contain: {part}", got.at)
        for part in want.never:
            if part in got.body:
                yield Difference(f"the {got.channel} should not contain: {part}", got.at)


def _dialled(expected: Sequence[int] | None, rehearsal: Rehearsal) -> Iterator[Difference]:
    if expected is None:
        return
    transfer = rehearsal.plan.spec.transfer
    numbers = [target.to for target in transfer.to] if transfer else []
    got = [numbers.index(number) + 1 for number in rehearsal.line.dialled]
    if list(expected) != got:
        yield Difference(f"dialled: expected targets {_list(expected)}, got {_list(got)}")


def _end(expected: Expected, rehearsal: Rehearsal) -> Iterator[Difference]:
    outcome = rehearsal.runner.record.outcome
    obligation = rehearsal.books.obligation
    owed = "nothing" if obligation.state == "closed" else "callback"
    if expected.outcome not in (None, outcome):
        yield Difference(f"outcome: expected {expected.outcome}, got {outcome}")
    if expected.owed not in (None, owed):
        yield Difference(f"owed: expected {expected.owed}, got {owed}")
    if expected.evidence not in (None, obligation.evidence):
        yield Difference(f"evidence: expected {expected.evidence}, got {obligation.evidence or 'none'}")
    if expected.longest is not None and rehearsal.seconds > expected.longest:
        yield Difference(
            f"the call should last {expected.longest:g} s at most, and lasted {rehearsal.seconds:.0f} s"
        )
    if rehearsal.unsaid:
        yield Difference(f"the call was over before {rehearsal.unsaid} line(s) of the caller")


def _list(values: Sequence[object]) -> str:
    return ", ".join(str(one) for one in values) or "none"
