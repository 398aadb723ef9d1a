"""A JSON body for Twilio's library, with what is set and nothing else: its own classes send null for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Form:
    """What the library calls `to_dict` on."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)

    def to_dict(self) -> dict[str, Any]:
        """The body."""
        return self._fields
