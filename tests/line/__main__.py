"""`python -m tests.line [--boxes N] [--again N] [PYTEST ARGUMENTS]`: pytest for this folder, in boxes of its own.

A box is a set of namespaces with a line in it. Everything that a test starts lives in the box and ends with it, however
the run ends. Every file of tests gets a box; a few of them are up at the same time, and know nothing of each other.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .kit.net import INSIDE, enclose, lay_cable, why_no_box

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
NOTHING_CHOSEN = 5
"""Pytest's exit code when no test of a file was asked for."""


@dataclass(slots=True)
class Share:
    """One file's tests, which run in a box."""

    file: Path
    chosen: list[str]
    """What pytest is told to run: the file, or some of its tests."""
    folder: Path
    """Where logs and recordings of its run go."""
    code: int = 0
    seconds: float = 0.0
    tries: int = field(default=0)

    @property
    def failed(self) -> bool:
        """Whether a test failed, or could not be run."""
        return self.code not in (0, NOTHING_CHOSEN)


def main(arguments: list[str]) -> int:
    """Share the files out among boxes, or run without any, so that pytest names what is missing."""
    if os.environ.get(INSIDE):
        lay_cable()
        return _run_as_first_process([sys.executable, "-m", "pytest", *arguments])
    own, rest = _parser().parse_known_args(arguments)
    chosen = [one for one in rest if "tests/line" in one] or [str(FOLDER)]
    options = [one for one in rest if "tests/line" not in one]
    if reason := why_no_box():
        print(f"no box for the line: {reason}", file=sys.stderr)
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *options, *chosen])
    runs = ROOT / ".line"
    runs.mkdir(exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix="run-", dir=runs))
    print(f"logs and recordings of this run: {run.relative_to(ROOT)}", flush=True)
    shares = shared_out(chosen, run)
    with ThreadPoolExecutor(own.boxes) as boxes:
        list(boxes.map(lambda share: run_share(share, options), shares))
    for _ in range(own.again):
        # what fails beside others is tried alone before it counts as failed
        for share in [one for one in shares if one.failed]:
            run_share(share, [*options, "--last-failed"])
    return report(shares)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.line", add_help=False, allow_abbrev=False)
    parser.add_argument("--boxes", type=int, default=max(1, min(3, (os.cpu_count() or 1) + 1)))
    parser.add_argument("--again", type=int, default=0)
    return parser


def shared_out(chosen: list[str], run: Path) -> list[Share]:
    """One share for each file, the largest first: it takes longest."""
    found: dict[Path, list[str]] = {}
    for one in chosen:
        path = Path(one.partition("::")[0])
        files = sorted(path.glob("test_*.py")) if path.is_dir() else [path]
        for file in files:
            found.setdefault(file, []).append(one if "::" in one else str(file))
    ordered = sorted(found, key=lambda file: file.stat().st_size if file.exists() else 0, reverse=True)
    return [Share(file, found[file], run / file.stem) for file in ordered]


def run_share(share: Share, options: list[str]) -> None:
    """Run it in a box of its own, and print what pytest says when it is over."""
    share.tries += 1
    folder = share.folder / str(share.tries)
    folder.mkdir(parents=True)
    cache = ["-o", f"cache_dir={share.folder / 'cache'}"]
    command = enclose([sys.executable, "-m", "tests.line", *options, *cache, *share.chosen])
    began = time.monotonic()
    output = folder / "pytest.txt"
    with output.open("wb") as file:
        environment = os.environ | {INSIDE: str(folder)}
        done = subprocess.run(command, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False)
    share.code, share.seconds = done.returncode, time.monotonic() - began
    if share.code != NOTHING_CHOSEN:
        print(output.read_text(errors="replace"), flush=True)


def report(shares: list[Share]) -> int:
    """The last words of the run; its exit code."""
    for share in sorted(shares, key=lambda one: one.file):
        if share.code == NOTHING_CHOSEN:
            continue
        state = "failed" if share.failed else "passed" if share.tries == 1 else f"passed, try {share.tries}"
        print(f"{share.file.name:32} {state:16} {share.seconds:5.0f} s")
    failed = [share for share in shares if share.failed]
    print(
        f"the line: {len(failed)} of {len(shares)} files failed" if failed else "the line: all files passed"
    )
    return max((share.code for share in failed), default=0)


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
