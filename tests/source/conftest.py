from __future__ import annotations

from .helpers import write

__all__ = ["write"]
