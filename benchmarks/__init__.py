"""What Callisi costs, each figure beside what it is compared with, both taken by turns in the same run."""

from __future__ import annotations
