"""YAML 1.2 text -> a checked model, with positions, `extends` and `${ENV}`. Knows YAML, and no agents.

- Maps of the extended file merge key by key, lists are replaced whole; `fallback: $remove` takes an inherited
  key away.
- `${NAME}` and `${NAME:-default}` are filled in inside values; an empty variable counts as unset; `$${` is a
  literal `${`. A value that is nothing but one unquoted reference may be a number, true, false or nothing.
- `12:30`, `+49 30 1234567`, `0123` and `no` stay text.
"""

from __future__ import annotations

from callisi_runtime.source.load import Loaded, load, load_text
from callisi_runtime.source.positions import Positions
from callisi_runtime.source.validation import did_you_mean

__all__ = ["Loaded", "Positions", "did_you_mean", "load", "load_text"]
