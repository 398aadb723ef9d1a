"""A command starts quickly, and leaves everything as it would have been."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

from callisi_runtime.cli.quick import quick_imports


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_pydantic_loads_no_package_metadata() -> None:
    models = (
        "class A(BaseModel):\n    name: str\nprint('importlib.metadata' in sys.modules, A(name='a').name)"
    )
    begin = "import sys\nfrom callisi_runtime.cli.quick import quick_imports\n"
    inside = (
        "with quick_imports():\n    from pydantic import BaseModel\n    class Z(BaseModel):\n        x: int\n"
    )
    assert run(begin + inside + models) == "False a"


def test_package_metadata_is_there_for_whoever_asks_within() -> None:
    code = (
        "from callisi_runtime.cli.quick import quick_imports\n"
        "with quick_imports():\n    from importlib.metadata import version\n    print(version('pydantic') > '2')\n"
        "import importlib.metadata\nprint(importlib.metadata.version('pydantic') > '2')"
    )
    assert run(code).split() == ["True", "True"]


def test_entry_points_are_found_when_they_are_called_for() -> None:
    code = (
        "from callisi_runtime.cli.quick import quick_imports\n"
        "with quick_imports():\n    from importlib.metadata import entry_points\n"
        "print(bool(list(entry_points(group='console_scripts'))))"
    )
    assert run(code) == "True"


def test_garbage_is_collected_again_afterwards() -> None:
    assert gc.isenabled()
    with quick_imports():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_printed_arrives_although_the_process_ends_at_once() -> None:
    code = (
        "import atexit, sys\nfrom callisi_runtime.cli.quick import leave\n"
        "atexit.register(print, 'taken apart')\nsys.stdout.write('printed')\nleave(3)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "printed", "")


def test_a_full_disk_is_told_although_the_process_would_end_at_once() -> None:
    code = "import sys\nfrom callisi_runtime.cli.quick import leave\nsys.stdout.write('printed')\nleave(0)"
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, env={}, text=True, check=False
        )
    assert ran.returncode == 120
    assert "No space left on device" in ran.stderr
