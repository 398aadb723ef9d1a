"""The same receptionist, written by hand with LiveKit Agents: what Callisi is measured beside."""

from __future__ import annotations
