"""Check the set-up: files, accounts, trunks, keys, the worker, and what the ledger says. Nothing is changed.

With AGENT, what this agent needs is looked at as well. Each finding names the command or the setting that mends it.
With --live a message is sent and a telephone rings, after you have been told which, and have agreed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from callisi_runtime.cli.output import count, print_json
from callisi_runtime.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callisi_runtime.doctor import Result

    Found = Mapping[str, Sequence[Result]]

WORDS = {"ok": "ok", "warning": "warn", "problem": "FAIL", "skipped": "-"}
COLOURS = {"ok": "32", "warning": "33", "problem": "31", "skipped": "2"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi doctor --help`."""
    parser.add_argument("agent", nargs="?", metavar="AGENT", help="an agent file: agents/clara.yaml")
    parser.add_argument(
        "--live",
        action="store_true",
        help="also try keys, send one message and ring one telephone; asks first",
    )
    parser.add_argument("--yes", action="store_true", help="with --live: do not ask")


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when there is a problem: dead messages are one."""
    from callisi_runtime.doctor import CHECKS, Patient, examine
    from callisi_runtime.settings import read_environment

    environ = read_environment()
    if args.live and not agreed(args, environ):
        return ExitCode.OK
    patient = Patient(environ, args.agent, live=args.live)
    screen = Screen(tuple(CHECKS), silent=args.json)

    async def look() -> Found:
        return await examine(patient, screen.told)

    found = asyncio.run(look())
    problems = sum(one.state == "problem" for results in found.values() for one in results)
    if args.json:
        checks = [one.as_dict(name) for name, results in found.items() for one in results]
        print_json({"ok": not problems, "checks": checks})
    else:
        warnings = sum(one.state == "warning" for results in found.values() for one in results)
        print("\n" + summary(problems, warnings))
    return ExitCode.USER_ERROR if problems else ExitCode.OK


def agreed(args: argparse.Namespace, environ: Mapping[str, str]) -> bool:
    """Say what `--live` does, and ask.

    Raises:
        UsageError: There is no agent, or nobody to ask.
        CallisiError: The agent's file is wrong.
    """
    from callisi_runtime.checks import load_agent
    from callisi_runtime.doctor.tries import announced

    if args.agent is None:
        raise UsageError("--live needs an agent: callisi doctor agents/clara.yaml --live")
    spec = load_agent(Path(args.agent), environ).value
    if args.yes:
        return True
    if args.json or not sys.stdin.isatty():
        raise UsageError("--live sends a message and rings a telephone: agree with --yes")
    print("\n".join(("this will happen:", *(f"- {one}" for one in announced(spec)))))
    if input("go on? [y/N] ").strip().lower() in ("y", "yes", "j", "ja"):
        return True
    print("nothing was done")
    return False


class Screen:
    """Shows each check's findings as soon as all before it are known, and on a terminal what is still awaited.

    Args:
        names: The checks, in the order in which they are shown, however they end.
        silent: Whether nothing is shown.
    """

    def __init__(self, names: Sequence[str], *, silent: bool = False) -> None:
        self.names, self.silent = tuple(names), silent
        self.found: dict[str, Sequence[Result]] = {}
        self.next = 0
        self.colour, self.progress = sys.stdout.isatty(), sys.stdout.isatty() and not silent
        if self.progress:
            self._await()

    def told(self, name: str, results: Sequence[Result]) -> None:
        """A check has ended."""
        self.found[name] = results
        if self.silent:
            return
        if self.progress:
            sys.stdout.write("\r\x1b[K")
        while self.next < len(self.names) and self.names[self.next] in self.found:
            self._show(self.names[self.next])
            self.next += 1
        if self.progress and self.next < len(self.names):
            self._await()
        sys.stdout.flush()

    def _show(self, name: str) -> None:
        """One line for each finding, and under it what mends it."""
        widest = max(map(len, self.names))
        for number, one in enumerate(self.found[name]):
            word = f"{WORDS[one.state]:4}"
            word = f"\x1b[{COLOURS[one.state]}m{word}\x1b[0m" if self.colour else word
            print(f"{word}  {name if not number else '':{widest}}  {one.what}")
            if one.mend:
                print(f"      {'':{widest}}  -> {one.mend}")

    def _await(self) -> None:
        """The last line of a terminal: how many have ended, and which have not."""
        awaited = [name for name in self.names if name not in self.found]
        text = f"{len(self.found)} of {len(self.names)}, waiting for {', '.join(awaited)}"
        sys.stdout.write(text if len(text) < 100 else f"{text[:96]} ...")
        sys.stdout.flush()


def summary(problems: int, warnings: int) -> str:
    """The last line."""
    if not problems and not warnings:
        return "all is well"
    return ", ".join(
        text
        for number, text in ((problems, count(problems, "problem")), (warnings, count(warnings, "warning")))
        if number
    )
