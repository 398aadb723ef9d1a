"""`python -m tests.line [PYTEST ARGUMENTS]`: pytest for this folder, in namespaces of its own.

Everything that a test starts lives in the box and ends with it, however the run ends.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

from .kit.net import INSIDE, enclose, lay_cable, why_no_box

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent


def main(arguments: list[str]) -> int:
    """Enter the box, or run without it, so that pytest names what is missing."""
    if os.environ.get(INSIDE):
        lay_cable()
        return _run_as_first_process(_pytest(arguments))
    if reason := why_no_box():
        print(f"no box for the line: {reason}", file=sys.stderr)
        os.execv(sys.executable, _pytest(arguments))
    runs = ROOT / ".line"
    runs.mkdir(exist_ok=True)
    os.environ[INSIDE] = tempfile.mkdtemp(prefix="run-", dir=runs)
    print(f"logs and recordings of this run: {Path(os.environ[INSIDE]).relative_to(ROOT)}", flush=True)
    boxed = enclose([sys.executable, "-m", "tests.line", *arguments])
    os.execvp(boxed[0], boxed)


def _pytest(arguments: list[str]) -> list[str]:
    chosen = [] if any("tests/line" in argument for argument in arguments) else [str(FOLDER)]
    return [sys.executable, "-m", "pytest", *arguments, *chosen]


def _run_as_first_process(command: list[str]) -> int:
    """Run `command`, and bury what it leaves behind: nobody else in a process namespace does."""
    # Ctrl-C reaches pytest as well, which ends in order; this process waits for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    running = os.posix_spawn(command[0], command, os.environ, setsigdef=[signal.SIGINT])
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(running, number))
    while True:
        buried, status = os.wait()
        if buried == running:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
