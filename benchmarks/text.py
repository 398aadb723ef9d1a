"""Everything that needs no telephone: validate, prove, and the way to the first sentence of a rehearsal."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.report import Report, arguments, by_turns, finish

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
CLARA = ROOT / "agents" / "clara.yaml"
SCHEMA = ROOT / "schemas" / "agent.schema.json"
GREETING = "Guten Tag, hier ist Clara"
KEPT = ("PATH", "HOME", "LANG", "TERM", "VIRTUAL_ENV", "TMPDIR", "PYTHONPATH")
"""What the measured programs inherit: no key and no LiveKit of the person who measures."""
BARE_IMPORTS = "import pydantic, yaml, jinja2"
MODEL_IMPORTS = "from pydantic import BaseModel; import yaml; from jinja2 import Environment"
"""What any program of this kind needs of the three: `import pydantic` alone loads nothing that a model is made of."""
ONE_MODEL = "from pydantic import BaseModel; import yaml, jinja2\nclass Agent(BaseModel):\n    name: str"
"""The least program that does anything with it: one model with one field."""
SESSION_IMPORTS = "import livekit.agents; from livekit.plugins import openai, deepgram, silero"
SPECS = 1000
SPEC = """\
name: shop_{number}
title: Clara
language: de-DE
business: {{name: "Laden {number}", phone: "+49 30 2312{number:04d}"}}
persona: |
  Du bist {{{{ agent.name }}}}, die Telefonassistentin von {{{{ business.name }}}}.
greeting: Guten Tag, hier ist {{{{ agent.name }}}}, die KI-Assistentin von {{{{ business.name }}}}.
tools: [current_time, end_call, request_human_transfer, take_message]
transfer:
  to: "+49 30 23125111"
  trunk: Callisi-LiveKit-Trunk
  accept: press_1
fallback:
  channels:
    - sms:
        to: "+49 171 3920011"
        message: "{{{{ agent.name }}}}: Bitte Rückruf an {{{{ caller.phone }}}} ({{{{ outcome.words }}}})"
        message_hidden: "{{{{ agent.name }}}}: Anruf ohne Nummer ({{{{ outcome.words }}}})"
  say:
    notified: Ich habe das Team {{{{ channel.spoken }}}} informiert; Sie werden zurückgerufen.
    failed: Bitte rufen Sie {{{{ business.phone | spoken }}}} an.
"""
LONGEST = 120.0


def main() -> int:
    """Measure all of it."""
    args = arguments(__doc__, rounds=15, prog="python -m benchmarks.text").parse_args()
    report = Report("without a telephone", quiet=args.json)
    cold_start(report, args.rounds)
    thousand_specs(report, max(3, args.rounds // 5))
    prove(report, max(3, args.rounds // 5))
    rehearsal(report, args.rounds)
    return finish(report)


def cold_start(report: Report, rounds: int) -> None:
    """`callisi validate` on Clara against an interpreter that imports what any such program needs."""
    subject = "callisi validate, cold"
    ours, bare, base, model = by_turns(
        rounds,
        partial(seconds, [str(BIN / "callisi"), "validate", str(CLARA)]),
        *(
            partial(seconds, [sys.executable, "-c", code])
            for code in (BARE_IMPORTS, MODEL_IMPORTS, ONE_MODEL)
        ),
    )
    report.add(subject, "s", ours, rival=f"python -c '{MODEL_IMPORTS}'", theirs=base, target=1.5)
    report.add(subject, "s", ours, rival=f"python -c '{BARE_IMPORTS}'", theirs=bare)
    report.add(subject, "s", ours, rival="the same, and one model with one field", theirs=model)


def thousand_specs(report: Report, rounds: int) -> None:
    """A thousand complete files in one run of either program."""
    subject, rival = f"callisi validate, {SPECS} files", "check-jsonschema"
    checker = shutil.which(rival, path=str(BIN)) or shutil.which(rival)
    if checker is None:
        report.skip(subject, rival, "it is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        files = write_specs(Path(folder), SPECS)
        ours, theirs = by_turns(
            rounds,
            partial(seconds, [str(BIN / "callisi"), "validate", folder]),
            partial(seconds, [checker, "--schemafile", str(SCHEMA), *map(str, files)]),
        )
    report.add(subject, "s", ours, rival=rival, theirs=theirs, target=1.0)


def prove(report: Report, rounds: int) -> None:
    """Every course that a call of Clara's can take."""
    try:
        (ours,) = by_turns(rounds, partial(seconds, [str(BIN / "callisi"), "prove", str(CLARA)]))
    except ProgramFailed as error:
        report.skip("callisi prove, Clara", "", str(error))
        return
    report.add("callisi prove, Clara", "s", ours, target=3.0)


def rehearsal(report: Report, rounds: int) -> None:
    """From Enter to the greeting on a terminal."""
    ours, bare, imports = by_turns(
        rounds,
        partial(seconds_to, [str(BIN / "callisi-run"), str(CLARA)], GREETING),
        partial(seconds, [sys.executable, "-c", BARE_IMPORTS]),
        partial(seconds, [sys.executable, "-c", SESSION_IMPORTS]),
    )
    subject = "rehearsal: Enter to the greeting"
    report.add(subject, "s", ours, target=1.0)
    report.add(subject, "s", ours, rival=f"python -c '{BARE_IMPORTS}'", theirs=bare)
    report.add(subject, "s", ours, rival="importing livekit.agents and its plugins", theirs=imports)


class ProgramFailed(RuntimeError):
    """A measured program did not do its work; its last words."""


def environment() -> dict[str, str]:
    """What the measured programs see."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {"TERM": "xterm-256color"}


def seconds(command: Sequence[str]) -> float:
    """How long a program takes. Raises ProgramFailed."""
    begin = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=LONGEST, check=False
    )
    taken = time.perf_counter() - begin
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()
        raise ProgramFailed(last[-1] if last else f"exit code {done.returncode}")
    return taken


def seconds_to(command: Sequence[str], text: str) -> float:
    """How long until a program has written `text` on a terminal; it is ended then. Raises ProgramFailed."""
    terminal, its = pty.openpty()
    begin = time.perf_counter()
    running = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=its, stdout=its, stderr=its, start_new_session=True
    )
    os.close(its)
    try:
        if not shown(terminal, text, begin + LONGEST):
            raise ProgramFailed(f"{command[0]} never wrote {text!r}")
        return time.perf_counter() - begin
    finally:
        running.kill()
        running.wait()
        os.close(terminal)


def shown(terminal: int, text: str, until: float) -> bool:
    """Whether a terminal shows a text before `until`; line breaks and colours within it do not matter."""
    wanted, seen = letters(text.encode()), b""
    while time.perf_counter() < until:
        ready, _, _ = select.select([terminal], [], [], 0.5)
        if not ready:
            continue
        try:
            seen += os.read(terminal, 65_536)
        except OSError:  # the program has ended
            return wanted in letters(seen)
        if wanted in letters(seen):
            return True
    return False


def letters(written: bytes) -> bytes:
    """What was written, without white space."""
    return b"".join(written.split())


def write_specs(folder: Path, count: int) -> list[Path]:
    """So many complete agent files, each a little different."""
    files = [folder / f"shop_{number}.yaml" for number in range(count)]
    for number, file in enumerate(files):
        file.write_text(SPEC.format(number=number))
    return files


if __name__ == "__main__":
    sys.exit(main())
