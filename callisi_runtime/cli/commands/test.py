"""Run rehearsals: every scenario is played as a call, in virtual time, without an account and without a network.

PATH is a scenario, or a folder of them. A call that goes differently is shown as a timeline, with what was expected at
the place where it differs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from callisi_runtime.cli.files import yaml_files
from callisi_runtime.cli.output import count, print_json
from callisi_runtime.errors import CallisiError, ExitCode, Problem

if TYPE_CHECKING:
    from callisi_runtime.rehearse.suite import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi test --help`."""
    parser.add_argument("paths", nargs="*", default=["scenarios"], metavar="PATH", help="default: scenarios")
    parser.add_argument("--junit", metavar="FILE", help="write the results as JUnit XML, too")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="processes; as many as are worth while when left out"
    )
    parser.add_argument("--show", action="store_true", help="show the timeline of every call")


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when a call went differently, or could not be played."""
    from callisi_runtime.rehearse.suite import run_files
    from callisi_runtime.settings import read_environment

    began = time.perf_counter()
    results = run_files(scenario_files(args.paths), read_environment(), args.jobs)
    seconds = time.perf_counter() - began
    if args.junit:
        write_junit(Path(args.junit), results)
    if args.json:
        print_json(as_document(results, seconds))
    else:
        show(results, seconds, every=args.show)
    return ExitCode.OK if all(one.passed for one in results) else ExitCode.USER_ERROR


def scenario_files(paths: Sequence[str]) -> list[Path]:
    """The files that are meant.

    Raises:
        CallisiError: there is no such file or folder.
    """
    for name in paths:
        if not Path(name).exists():
            raise CallisiError(Problem("there is no such scenario", code="no-files", file=name))
    return yaml_files(paths)


def as_document(results: Sequence[Result], seconds: float) -> dict[str, object]:
    """What `--json` prints: `ok`, `seconds`, and `results` with `call` as `callisi-run --json` prints it."""
    return {
        "ok": all(one.passed for one in results),
        "seconds": round(seconds, 2),
        "results": [
            {
                "file": one.file,
                "agent": one.agent,
                "title": one.title,
                "passed": one.passed,
                "differences": list(one.differences),
                "error": one.error,
                "call": dict(one.call),
            }
            for one in results
        ],
    }


def show(results: Sequence[Result], seconds: float, *, every: bool) -> None:
    """One line for each call, and the timeline of those that went differently."""
    colour = sys.stdout.isatty()
    for one in results:
        word = _coloured("ok  ", "32", colour) if one.passed else _coloured("FAIL", "31", colour)
        print(f"{word}  {one.file} ({one.agent}): {one.title}" if one.agent else f"{word}  {one.file}")
        if one.error:
            print(_indented(one.error))
        if one.timeline and (every or not one.passed):
            print(_indented(one.timeline))
    failed = sum(not one.passed for one in results)
    verdict = f", {failed} went differently" if failed else ", all as expected"
    print(f"{count(len(results), 'call')}{verdict}, {seconds:.1f} s")


def write_junit(file: Path, results: Sequence[Result]) -> None:
    """The results for CI."""
    from xml.etree import ElementTree as Xml

    failed = sum(bool(one.differences) and not one.error for one in results)
    errors = sum(one.error is not None for one in results)
    suite = Xml.Element(
        "testsuite", name="callisi", tests=str(len(results)), failures=str(failed), errors=str(errors)
    )
    for one in results:
        case = Xml.SubElement(
            suite,
            "testcase",
            classname=one.file,
            name=f"{one.title} ({one.agent})",
            time=f"{one.seconds:.3f}",
        )
        if one.error is not None:
            Xml.SubElement(case, "error", message=_xml(one.error))
        elif one.differences:
            Xml.SubElement(case, "failure", message=_xml("; ".join(one.differences))).text = _xml(
                one.timeline
            )
    root = Xml.Element("testsuites")
    root.append(suite)
    try:
        file.write_bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))
    except OSError as error:
        raise CallisiError(Problem(f"cannot be written: {error.strerror}", file=str(file))) from None


def _xml(text: str) -> str:
    return "".join(character for character in text if character >= " " or character in "\n\t")


def _indented(text: str) -> str:
    return "\n".join(f"      {line}" for line in text.splitlines())


def _coloured(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
