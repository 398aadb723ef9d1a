"""Check agent files: every mistake at once, with its file, line and column.

PATH is a file, or a folder whose YAML files are checked; rehearsals in `scenarios/` are left to `callisi test`.
Warnings do not fail, unless --strict is given. Of a file alone, the parts of its longest SMS are shown as well.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from callisi_runtime.cli.files import is_scenario, yaml_files
from callisi_runtime.cli.guard import line_of
from callisi_runtime.cli.output import count, print_json
from callisi_runtime.cli.quick import quick_imports
from callisi_runtime.errors import CallisiError, ExitCode, Problem, SpecError

if TYPE_CHECKING:
    from callisi_runtime.notify.gsm7 import Segments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi validate --help`."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="an agent file, or a folder of them")
    parser.add_argument("--strict", action="store_true", help="let warnings fail too")


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when a file has a mistake."""
    from callisi_runtime.environ import read_environment

    files = [path for path in yaml_files(args.paths) if not is_scenario(path)]
    if not files:
        raise CallisiError("there are only rehearsals here; `callisi test` runs them")
    problems, sizes = validate(files, read_environment())
    wrong = [one for one in problems if one.severity == "error" or args.strict]
    if args.json:
        documents = [problem.as_dict() for problem in problems]
        document = {"ok": not wrong, "files": [str(path) for path in files], "problems": documents}
        print_json(document | {"sms": [_size_document(path, size) for path, size in sizes]})
    else:
        for problem in problems:
            print(line_of(problem), file=sys.stderr)
        if len(files) == 1:
            for path, size in sizes:
                length = f"up to {size.length} characters in {size.encoding}"
                print(f"{path}: {length}, {count(size.segments, 'part')}")
        print(summary(len(files), problems))
    return ExitCode.USER_ERROR if wrong else ExitCode.OK


def validate(
    files: list[Path], environ: Mapping[str, str]
) -> tuple[list[Problem], list[tuple[str, Segments]]]:
    """Every problem of every file, each once although several files may inherit it; and how long each SMS can be."""
    with quick_imports():
        from callisi_runtime.checks import load_agent
        from callisi_runtime.spec import AgentSpec

        AgentSpec.model_rebuild()

    found: dict[Problem, None] = {}
    sizes: list[tuple[str, Segments]] = []
    for path in files:
        try:
            loaded = load_agent(path, environ)
            found |= dict.fromkeys(loaded.warnings)
            sizes += [(f"{path}: {key}", size) for key, size in loaded.sizes.items()]
        except SpecError as error:
            found |= dict.fromkeys(error.problems)
    return list(found), sizes


def _size_document(path: str, size: Segments) -> dict[str, object]:
    return {
        "path": path,
        "encoding": size.encoding,
        "characters": size.length,
        "segments": size.segments,
    }


def summary(files: int, problems: list[Problem]) -> str:
    """The last line: `4 files, 2 errors, 1 warning`."""
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    parts = [count(files, "file"), count(errors, "error") if errors else "no mistakes"]
    return ", ".join([*parts, count(warnings, "warning")] if warnings else parts)
