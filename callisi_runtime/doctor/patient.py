"""What is examined: the environment, the agent, and what LiveKit and Twilio say, each asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from callisi_runtime.doctor.result import Ended, skipped
from callisi_runtime.settings import Settings

if TYPE_CHECKING:
    from callisi_runtime.spec import AgentSpec

T = TypeVar("T")

NO_AGENT = "no agent was named: `callisi doctor agents/clara.yaml`"


@dataclass(slots=True)
class Patient:
    """Everything the checks look at. Nothing is ever changed, and nothing sent, unless `live` is set.

    Args:
        environ: The environment, `.env` included.
        agent: The agent's file, when one was named.
        live: Whether a message may be sent, a call placed, and providers' keys tried.
        patience: Seconds that one question to a provider may take; CALLISI_PATIENCE_SECONDS when left out.
    """

    environ: Mapping[str, str]
    agent: str | None = None
    live: bool = False
    patience: float = 0.0
    spec: AgentSpec | None = None
    """Set by the first check, when the file is right."""
    settings: Settings = field(init=False)
    twilio_skew: float | None = None
    """Seconds that Twilio's clock was ahead of ours, at its last answer."""
    _asked: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings = Settings.from_environ(self.environ)
        self.patience = self.patience or self.settings.callisi_patience_seconds

    @property
    def complete_livekit(self) -> bool:
        """Whether URL, key and secret are set."""
        settings = self.settings
        return all((settings.livekit_url, settings.livekit_api_key, settings.livekit_api_secret))

    @property
    def complete_twilio(self) -> bool:
        """Whether account and token are set."""
        return bool(self.settings.twilio_account_sid and self.settings.twilio_auth_token)

    def known_spec(self) -> AgentSpec:
        """The agent. Raises Ended when there is none, or its file is wrong."""
        if self.spec is None:
            raise Ended(skipped(NO_AGENT if self.agent is None else "the agent's file has to be right first"))
        return self.spec

    async def once(self, question: str, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to a question that several checks have; it is asked once, whoever asks first."""
        if question not in self._asked:
            task: asyncio.Task[T] = asyncio.ensure_future(ask())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._asked[question] = task
        # One check's deadline must not take the answer away from the others.
        answer: T = await asyncio.shield(self._asked[question])
        return answer
