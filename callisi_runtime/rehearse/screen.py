"""What a rehearsal shows: a timeline in plain text, with colours on a terminal, or nothing."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TYPE_CHECKING, Protocol, TextIO

from callisi_runtime.notify.gsm7 import measure
from callisi_runtime.phone import written

if TYPE_CHECKING:
    from callisi_runtime.call.record import Who
    from callisi_runtime.rehearse.books import Notification
    from callisi_runtime.rehearse.rehearsal import Rehearsal

WIDTH = 100
INDENT = 17
OWED = "this caller is still waiting: nobody took the call, and no message reached the staff"
COLOURS = {
    "agent": "36",
    "caller": "1",
    "staff": "35",
    "event": "2",
    "good": "32",
    "bad": "31",
    "message": "33",
}


class Screen(Protocol):
    """Where a rehearsal is shown."""

    def said(self, at: float, who: Who, text: str) -> None:
        """Somebody begins to say a sentence."""

    def happened(self, at: float, text: str) -> None:
        """Something that nobody says."""

    def message(self, at: float, notification: Notification) -> None:
        """A notification was written, or its status has changed."""


class NoScreen:
    """Shows nothing."""

    def said(self, at: float, who: Who, text: str) -> None:
        """Nothing."""

    def happened(self, at: float, text: str) -> None:
        """Nothing."""

    def message(self, at: float, notification: Notification) -> None:
        """Nothing."""


class TextScreen:
    """A timeline.

    Args:
        agent: The agent's name.
        out: Where it is written.
        colour: Whether to use colours; whether `out` is a terminal, when left out.
        echo: Whether the caller's lines are shown; somebody who types them sees them already.
    """

    def __init__(
        self, agent: str, out: TextIO | None = None, *, colour: bool | None = None, echo: bool = True
    ) -> None:
        self.out = out or sys.stdout
        self.colour = self.out.isatty() if colour is None else colour
        self.echo = echo
        self.names = {"agent": agent, "caller": "Caller", "staff": "Staff"}

    def said(self, at: float, who: Who, text: str) -> None:
        """`00:09  Caller    Guten Tag`."""
        if who == "caller" and not self.echo:
            return
        self._row(at, self.names[who], text, COLOURS[who])

    def happened(self, at: float, text: str) -> None:
        """`00:10  -         dialling +49 30 23125111`."""
        self._row(at, "-", text, COLOURS["event"])

    def message(self, at: float, notification: Notification) -> None:
        """The message as it would be sent, then each change of its status."""
        kind = notification.channel
        if notification.status == "pending":
            self._row(at, kind.upper(), describe(notification), COLOURS["message"])
            return
        colour = COLOURS["bad" if notification.status == "failed" else "good"]
        why = f": {notification.error}" if notification.error and notification.status == "failed" else ""
        self._row(at, kind.upper(), notification.status + why, colour)

    def over(self, rehearsal: Rehearsal) -> None:
        """The outcome, and what is still owed."""
        at, obligation = rehearsal.seconds, rehearsal.books.obligation
        self.line()
        self._row(at, "Outcome", rehearsal.runner.record.outcome.replace("_", " "), "1")
        if obligation.state == "closed":
            self._row(
                at, "Owed", f"nothing: {(obligation.evidence or '').replace('_', ' ')}", COLOURS["good"]
            )
        else:
            self._row(at, "Owed", OWED, COLOURS["bad"])
        if rehearsal.unsaid:
            late = f"the call was over; {rehearsal.unsaid} line(s) of the script were not said"
            self._row(at, "Note", late, COLOURS["bad"])

    def line(self, text: str = "") -> None:
        """Something beside the timeline. Nobody reads any more: the call goes on all the same, and nothing is said."""
        try:
            print(text, file=self.out, flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.out.fileno())

    def layout(self, at: float, name: str, text: str) -> str:
        """One row, wrapped."""
        head = f"{int(at) // 60:02d}:{int(at) % 60:02d}  {name[:9]:<10}"
        return textwrap.fill(text, WIDTH, initial_indent=head, subsequent_indent=" " * INDENT)

    def _row(self, at: float, name: str, text: str, colour: str) -> None:
        body = self.layout(at, name, text)
        self.line(f"\x1b[{colour}m{body}\x1b[0m" if self.colour else body)


def describe(notification: Notification) -> str:
    """`to +49 171 3920011 (GSM-7, 95 characters, 1 part): Clara: ...`."""
    to = written(notification.to) if notification.to.startswith("+") else notification.to
    if notification.channel != "sms":
        return f"to {to}: {notification.body}"
    size = measure(notification.body)
    parts = f"{size.segments} part{'s' if size.segments != 1 else ''}"
    return f"to {to} ({size.encoding}, {size.length} characters, {parts}): {notification.body}"
