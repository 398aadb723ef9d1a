"""The same call in the terminal: virtual time, simulated telephones and channels, no account, no key, no network."""

from __future__ import annotations
