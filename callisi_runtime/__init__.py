"""Callisi: the telephone receptionist that one YAML file declares, and that never loses a caller."""

from __future__ import annotations

__version__ = "0.1.0"
