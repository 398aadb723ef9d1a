"""What keeps a command's start short: imports that pydantic makes and a file's check never needs."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

METADATA = "importlib.metadata"


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import pydantic and its models within: no search for plugins, no package metadata, no garbage collection.

    Pydantic would look through every installed package for plugins, and load `importlib.metadata` (with e-mail, CSV
    and zip files) even when told not to. Modules are never garbage, so that collecting between them finds nothing.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    collects = gc.isenabled()
    gc.disable()
    stand_in = None if METADATA in sys.modules else _metadata_later()
    try:
        yield
    finally:
        if stand_in is not None and sys.modules.get(METADATA) is stand_in:
            del sys.modules[METADATA]
        if stand_in is not None:
            gc.freeze()  # else the first collection would look through all of it after all
        if collects:
            gc.enable()


def leave(code: int) -> None:
    """End the process without taking apart what it has loaded; returns when what was printed cannot be written.

    For commands that hold nothing that must be closed: no thread, no database, no temporary file.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return  # the interpreter's own way out tells it
    os._exit(code)


def _metadata_later() -> ModuleType:
    """A module in place of `importlib.metadata` that loads it when something of it is called."""

    def entry_points(**wanted: Any) -> Any:
        return importlib.import_module(METADATA).entry_points(**wanted)

    def rest(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        sys.modules.pop(METADATA, None)
        return getattr(importlib.import_module(METADATA), name)

    module = ModuleType(METADATA)
    vars(module).update(entry_points=entry_points, __getattr__=rest)
    sys.modules[METADATA] = module
    return module
