"""On a real telephone line: what callers wait for, beside a hand-written LiveKit agent with the same providers.

Everything runs in network and process namespaces of its own, with real SIP and RTP through a LiveKit server and its
SIP bridge. Without the programs this needs, it says what is missing and measures nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Report, arguments, finish
from tests.line.__main__ import _run_as_first_process
from tests.line.kit.net import BINARIES, INSIDE, enclose, lay_cable, missing_binaries, why_no_box

ROOT = Path(__file__).parent.parent
STAGED = "CALLISI_BENCHMARK_STAGED"
"""Set in the process that measures: inside the box, with the cable laid."""
SUBJECTS = ("greeting", "burst", "answer", "request", "acceptance", "rescue", "cost")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = arguments(__doc__, rounds=10, prog="python -m benchmarks.line")
    made.add_argument("--idle", type=int, default=2, help="processes of each agent that wait for a call (2)")
    made.add_argument("--only", nargs="+", choices=SUBJECTS, default=list(SUBJECTS), metavar="SUBJECT")
    return made


def main() -> int:
    """Enter the box, lay the cable, measure: the same command, three times."""
    args = parser().parse_args()
    if os.environ.get(STAGED):
        from benchmarks.line_calls import measure

        report = Report("on a telephone line", quiet=args.json)
        asyncio.run(measure(report, args))
        return finish(report)
    again = [sys.executable, "-m", "benchmarks.line", *sys.argv[1:]]
    if os.environ.get(INSIDE):
        lay_cable()
        os.environ[STAGED] = "1"
        return _run_as_first_process(again)
    if reason := why_not():
        report = Report("on a telephone line", quiet=args.json)
        for subject in args.only:
            report.skip(subject, "a hand-written agent", reason)
        return finish(report)
    runs = ROOT / ".line"
    runs.mkdir(exist_ok=True)
    os.environ[INSIDE] = tempfile.mkdtemp(prefix="bench-", dir=runs)
    boxed = enclose(again)
    os.execvp(boxed[0], boxed)


def why_not() -> str:
    """Why nothing can be measured here; empty when it can."""
    if missing := missing_binaries(*BINARIES, "espeak-ng"):
        return f"not on PATH: {', '.join(missing)}"
    return why_no_box()


if __name__ == "__main__":
    sys.exit(main())
