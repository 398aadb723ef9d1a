"""Write the JSON schemas that editors and `check-jsonschema` check YAML files with.

They are generated from the models that `callisi validate` uses. --check writes nothing, and fails when a file differs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import CallisiError, ExitCode, Problem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi schema --help`."""
    parser.add_argument("folder", nargs="?", default="schemas", help="where to write them (default: schemas)")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when a file is not up to date"
    )
    parser.add_argument("--print", metavar="NAME", help="print one schema instead: agent, scenario")


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when --check finds a difference."""
    from callisi_runtime.schema import schema_texts

    texts = schema_texts()
    if args.print:
        name = f"{args.print}.schema.json"
        if name not in texts:
            known = ", ".join(one.removesuffix(".schema.json") for one in texts)
            raise CallisiError(
                Problem(f"there is no schema `{args.print}`", code="unknown-schema", allowed=known)
            )
        print(texts[name], end="")
        return ExitCode.OK
    folder = Path(args.folder)
    stale = [name for name, text in texts.items() if _read(folder / name) != text]
    if not args.check:
        folder.mkdir(parents=True, exist_ok=True)
        for name in stale:
            (folder / name).write_text(texts[name], encoding="utf-8")
    return _report(args, folder, list(texts), stale)


def _report(args: argparse.Namespace, folder: Path, names: list[str], stale: list[str]) -> ExitCode:
    failed = bool(stale) and args.check
    if args.json:
        state = {
            name: "stale" if name in stale and args.check else "written" if name in stale else "current"
            for name in names
        }
        print_json(
            {
                "ok": not failed,
                "schemas": [{"file": str(folder / name), "state": state[name]} for name in names],
            }
        )
    elif failed:
        raise CallisiError(
            *(
                Problem(
                    "the schema is not up to date",
                    code="stale",
                    file=str(folder / name),
                    hint="run `callisi schema`",
                )
                for name in stale
            )
        )
    else:
        print("\n".join(f"{folder / name}: {'written' if name in stale else 'up to date'}" for name in names))
    return ExitCode.USER_ERROR if failed else ExitCode.OK


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
