"""`python -m callisi_runtime` is `callisi`."""

from __future__ import annotations

import sys

from callisi_runtime.cli import main

sys.exit(main())
