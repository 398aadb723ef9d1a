"""Everything that imports livekit.agents: the live call, and the text session of the rehearsal."""

from __future__ import annotations
