"""The one place where errors end: the user's as sentences, our own in a log file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import CallisiError, ExitCode, Problem


def guarded(work: Callable[[], int], *, json: bool, program: str) -> int:
    """Run a command and turn whatever it raises into an exit code and, at most, a few lines.

    Args:
        work: The command.
        json: Whether errors are printed as one JSON document on standard output.
        program: The name that the log file carries.
    """
    try:
        code = work()
        sys.stdout.flush()
    except CallisiError as error:
        tell(error.problems, json=json)
        return int(error.exit_code)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        _let_go_of_stdout()
        return int(ExitCode.OK)
    except Exception as error:
        tell((_our_fault(error, program),), json=json)
        return int(ExitCode.OUR_FAULT)
    return int(code)


def tell(problems: tuple[Problem, ...], *, json: bool) -> None:
    """Print problems: a JSON document on standard output, or one line each on standard error."""
    if json:
        print_json({"ok": False, "problems": [problem.as_dict() for problem in problems]})
        return
    for problem in problems:
        print(line_of(problem), file=sys.stderr)


def line_of(problem: Problem) -> str:
    """The problem as one line: `error: …`, or `file:line:column: error: …` as editors and CI read it."""
    text = str(problem)
    if problem.severity == "warning":
        return text
    where = ":".join(str(part) for part in (problem.file, problem.line, problem.column) if part is not None)
    return f"{where}: error: {text.removeprefix(where + ': ')}" if where else f"error: {text}"


def _our_fault(error: Exception, program: str) -> Problem:
    log = _write_log(error, program)
    where = f"the details are in {log}" if log else "the details could not be written down"
    return Problem(
        f"this is a mistake of ours, not of yours ({type(error).__name__}); {where}", code="internal"
    )


def _write_log(error: Exception, program: str) -> Path | None:
    import tempfile
    import traceback

    from callisi_runtime import __version__

    lines = [f"{program} {__version__}, Python {sys.version}\n", *traceback.format_exception(error)]
    try:
        handle, name = tempfile.mkstemp(prefix=f"{program}-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError:
        return None
    return Path(name)


def _let_go_of_stdout() -> None:
    """Whoever reads us has gone; without this the interpreter would complain on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
