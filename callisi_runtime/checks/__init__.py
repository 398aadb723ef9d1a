"""What only the whole file can show: every cross-check of an agent, beside those that its keys carry themselves."""

from __future__ import annotations

from callisi_runtime.checks.agent import CHECKS, LoadedAgent, load_agent

__all__ = ["CHECKS", "LoadedAgent", "load_agent"]
