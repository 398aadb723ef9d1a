"""Write the JSON schemas that editors and `check-jsonschema` check YAML files with.

They are generated from the models that `callisi validate` uses. --check writes nothing, and fails when a file differs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from callisi_runtime.cli.output import print_json
from callisi_runtime.errors import CallisiError, ExitCode, Problem

FILES = (".yaml", ".yml", ".json")
"""Endings of what is surely meant to be a file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Read by `callisi schema --help`."""
    parser.add_argument("folder", nargs="?", default="schemas", help="where to write them (default: schemas)")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when a file is not up to date"
    )
    parser.add_argument("--print", metavar="NAME", help="print one schema instead: agent, scenario")
    parser.add_argument("--reference", metavar="FILE", help="write the reference of the agent file, too")


def run(args: argparse.Namespace) -> ExitCode:
    """Exit code 1 when --check finds a difference."""
    from callisi_runtime.schema import schema_texts

    texts = schema_texts()
    if args.print:
        print(_one(args.print, texts), end="")
        return ExitCode.OK
    folder = _folder(args.folder)
    files = {folder / name: text for name, text in texts.items()}
    if args.reference:
        from callisi_runtime.reference import reference_text

        files[Path(args.reference)] = reference_text()
    stale = [path for path, text in files.items() if _read(path) != text]
    if args.check and stale:
        hint = f"run `callisi schema{f' --reference {args.reference}' if args.reference else ''}`"
        raise CallisiError(
            *(
                Problem("the file is not up to date", code="stale", file=str(path), hint=hint)
                for path in stale
            )
        )
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    states = {str(path): "written" if path in stale else "up to date" for path in files}
    if args.json:
        print_json({"ok": True, "files": [{"file": path, "state": state} for path, state in states.items()]})
    else:
        print("\n".join(f"{path}: {state}" for path, state in states.items()))
    return ExitCode.OK


def _folder(name: str) -> Path:
    path = Path(name)
    if name and (path.is_dir() or not (path.exists() or path.suffix in FILES)):
        return path
    hint = "`callisi schema` writes one file for each kind of YAML: name a folder, or nothing for schemas/"
    raise CallisiError(Problem("this is no folder", code="no-folder", got=f"'{name}'", hint=hint))


def _one(name: str, texts: dict[str, str]) -> str:
    known = [one.removesuffix(".schema.json") for one in texts]
    if name not in known:
        raise CallisiError(
            Problem(f"there is no schema `{name}`", code="unknown-schema", allowed=", ".join(known))
        )
    return texts[f"{name}.schema.json"]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
