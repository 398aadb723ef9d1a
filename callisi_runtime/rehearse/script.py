"""Playing lines: a script from a file or a pipe, or what somebody types."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callisi_runtime.errors import CallisiError, UsageError
from callisi_runtime.rehearse import acts
from callisi_runtime.rehearse.staff import BEHAVIOURS, MEANING

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from callisi_runtime.rehearse.rehearsal import Rehearsal
    from callisi_runtime.rehearse.screen import TextScreen

LONGEST_SCRIPT = 1_000_000
"""Bytes; a script is read whole."""


def read_script(name: str) -> list[str]:
    """The lines of a file, or of standard input for `-`; blank lines and those that begin with `#` are left out.

    Raises:
        CallisiError: it cannot be read, or contains an act that does not exist.
    """
    called = "standard input" if name == "-" else f"the script {name or repr(name)}"
    try:
        data = sys.stdin.buffer.read(LONGEST_SCRIPT + 1) if name == "-" else _read_file(Path(name))
    except OSError as error:
        raise CallisiError(f"{called} cannot be read: {error.strerror}") from None
    if len(data) > LONGEST_SCRIPT:
        raise CallisiError(f"{called} is longer than {LONGEST_SCRIPT} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CallisiError(
            f"{called} cannot be read: line {line} is not UTF-8 text; "
            "convert it with `iconv -f latin1 -t utf-8`"
        ) from None
    return lines_of(text)


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LONGEST_SCRIPT + 1)


def lines_of(text: str) -> list[str]:
    """The lines of a script.

    Raises:
        UsageError: an act does not exist.
    """
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    for line in lines:
        if line.startswith("/"):
            acts.check(line)
    return lines


async def play(rehearsal: Rehearsal, lines: Sequence[str]) -> None:
    """A whole call: the lines in their order, then time runs until everything has found its end."""
    try:
        acts.refuse_strangers(rehearsal)
        await rehearsal.start()
        for index, line in enumerate(lines):
            if not await play_line(rehearsal, line):
                rehearsal.unsaid = sum(1 for late in lines[index:] if not late.startswith("/"))
                break
        await rehearsal.finish()
    finally:
        await rehearsal.close()


async def play_line(rehearsal: Rehearsal, line: str) -> bool:
    """One line; False when the call was over before it."""
    if rehearsal.over:
        return False
    if not line.startswith("/"):
        return await rehearsal.say(line)
    await acts.perform(rehearsal, line)
    return True


class Typed:
    """A call with somebody at the keyboard: the event loop runs only between two lines, so that time stands still.

    Args:
        rehearsal: Made inside the runner's loop.
        screen: Where prompts are shown.
        runner: The loop.
        ask_staff: Ask who picks up whenever a telephone begins to ring.
    """

    def __init__(
        self, rehearsal: Rehearsal, screen: TextScreen, runner: asyncio.Runner, *, ask_staff: bool
    ) -> None:
        self.rehearsal = rehearsal
        self.screen = screen
        self.runner = runner
        self.ask_staff = ask_staff

    def play(self) -> None:
        """Until the call is over, or whoever types hangs up with Ctrl-C or Ctrl-D."""
        acts.refuse_strangers(self.rehearsal)
        self._run(self.rehearsal.start())
        threading.Thread(target=_import_live, daemon=True).start()
        try:
            while not self.rehearsal.over:
                self._one()
        except (EOFError, KeyboardInterrupt):
            self.screen.line()
            self._run(self.rehearsal.hang_up())
        self._run(self.rehearsal.finish())

    def _one(self) -> None:
        self._run(self.rehearsal.until_turn())
        if self.rehearsal.over:
            return
        line = input("> ").strip()
        try:
            if line:
                self._run(play_line(self.rehearsal, line))
            else:
                self._run(self.rehearsal.pass_time())
        except UsageError as error:
            self.screen.line(str(error))
        if self.ask_staff and self.rehearsal.line.phone_in("dialled"):
            self._ask()

    def _ask(self) -> None:
        self.screen.line("The telephone rings. What happens? (Enter: answers)")
        for name in BEHAVIOURS:
            self.screen.line(f"  {name:<12} {MEANING[name]}")
        while True:
            answer = input("staff> ").strip().removeprefix("/staff").strip() or "answers"
            try:
                self._run(acts.perform(self.rehearsal, f"/staff {answer}"))
            except UsageError as error:
                self.screen.line(str(error))
            else:
                return

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        self.runner.run(work)


def _import_live() -> None:
    """The language model's libraries take seconds to load: it is done while the greeting is read."""
    import callisi_runtime.live.text  # noqa: F401
