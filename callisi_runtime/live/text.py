"""A real AgentSession without audio: the rehearsal's conversation, with a language model or with the small brain."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from livekit.agents import AgentSession, APIConnectionError, APIConnectOptions, llm, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.io import TextOutput

from callisi_runtime import brain
from callisi_runtime.live.agent import Receptionist

if TYPE_CHECKING:
    from livekit.agents import ModelSettings

    from callisi_runtime.call import CallRunner
    from callisi_runtime.live.agent import Chunk

CONNECT = SessionConnectOptions(
    llm_conn_options=APIConnectOptions(max_retry=0, timeout=20), max_unrecoverable_errors=1000
)


class TextConversation:
    """The language model's side of a rehearsed call.

    Args:
        runner: The call.
        say: Gets every sentence that the model says.
        reach: Awaited before the model is asked; raises ConnectionError when it is to be down.
        real: Use the first language model that the file names, instead of the small brain.
    """

    def __init__(
        self,
        runner: CallRunner,
        say: Callable[[str], None],
        reach: Callable[[], Awaitable[None]],
        *,
        real: bool = False,
    ) -> None:
        self.real = real
        self.agent = RehearsedReceptionist(runner, reach)
        self._model: llm.LLM[Any] = real_model(runner) if real else BrainModel(runner)
        self._session: AgentSession[Any] = AgentSession(
            llm=self._model,
            vad=None,
            turn_handling={"turn_detection": None},
            user_away_timeout=None,
            aec_warmup_duration=None,
            conn_options=CONNECT,
        )
        self._session.output.transcription = Words(say)

    async def open(self) -> None:
        """Start the session."""
        await self._session.start(self.agent, record=False)

    def heard(self, text: str) -> bool:
        """The caller's words; True when `answer` is to follow."""
        return self.agent.heard(text)

    async def answer(self, text: str) -> None:
        """Have the model answer; returns when it has, its tools included."""
        with contextlib.suppress(Exception):  # a failing model has told the machine already
            await self._session.run(user_input=text)

    async def remember(self, text: str) -> None:
        """The machine said a sentence: the model must know of it."""
        context = self.agent.chat_ctx.copy()
        context.add_message(role="assistant", content=text)
        await self.agent.update_chat_ctx(context)

    def interrupt(self) -> None:
        """Stop the model's words."""
        with contextlib.suppress(RuntimeError):
            self._session.interrupt(force=True)

    async def close(self) -> None:
        """End the session."""
        await self._session.aclose()
        await self._model.aclose()
        client = getattr(self._model, "_client", None)  # the plugin leaves its connections open
        if client is not None:
            await client.close()


class RehearsedReceptionist(Receptionist):
    """The live agent; only that its model can be made unreachable."""

    def __init__(self, runner: CallRunner, reach: Callable[[], Awaitable[None]]) -> None:
        super().__init__(runner)
        self._reach = reach

    def answer_late(self, text: str) -> None:
        """A typed line is never said over the agent, so nothing is late."""

    async def ask_model(
        self, chat_ctx: llm.ChatContext, tools: list[Any], model_settings: ModelSettings
    ) -> AsyncGenerator[Chunk, None]:
        """The model, when it can be reached."""
        try:
            await self._reach()
        except ConnectionError as error:
            raise APIConnectionError(str(error), retryable=False) from None
        async for chunk in super().ask_model(chat_ctx, tools, model_settings):
            yield chunk


class Words(TextOutput):
    """Takes the model's words as they come, and hands them on in whole segments."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(label="callisi-rehearsal", next_in_chain=None)
        self._say = say
        self._text = ""

    async def capture_text(self, text: str) -> None:
        """Some more words."""
        self._text += text

    def flush(self) -> None:
        """The segment is complete."""
        text, self._text = self._text.strip(), ""
        if text:
            self._say(text)


class BrainModel(llm.LLM[Any]):
    """The small brain as a LiveKit language model."""

    def __init__(self, runner: CallRunner) -> None:
        super().__init__()
        self.runner = runner

    @property
    def model(self) -> str:
        """Its name in logs."""
        return "callisi-brain"

    @property
    def provider(self) -> str:
        """Who runs it."""
        return "callisi"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        """One answer."""
        return BrainStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class BrainStream(llm.LLMStream):
    """The answer: one chunk of words, or one tool call."""

    async def _run(self) -> None:
        model = self._llm
        assert isinstance(model, BrainModel)
        thought = think(model.runner, self._chat_ctx.items)
        calls = []
        if thought.tool is not None:
            arguments = json.dumps(dict(thought.arguments), ensure_ascii=False)
            calls = [
                llm.FunctionToolCall(name=thought.tool, arguments=arguments, call_id=utils.shortuuid("call_"))
            ]
        delta = llm.ChoiceDelta(role="assistant", content=thought.text or None, tool_calls=calls)
        self._event_ch.send_nowait(llm.ChatChunk(id=utils.shortuuid("brain_"), delta=delta))


def think(runner: CallRunner, items: Sequence[llm.ChatItem]) -> brain.Thought:
    """What the brain makes of a conversation."""
    if items and items[-1].type == "function_call_output":
        return brain.after_tool(items[-1].output)
    said = [
        brain.Said("caller" if item.role == "user" else "agent", item.text_content or "")
        for item in items
        if item.type == "message" and item.role in ("user", "assistant")
    ]
    last = max((index for index, one in enumerate(said) if one.who == "caller"), default=None)
    if last is None:
        return brain.Thought()
    return brain.reply(runner.plan, runner.facts, said[last].text, said[:last])


def real_model(runner: CallRunner) -> llm.LLM[Any]:
    """The first language model that the file names.

    Raises:
        CallisiError: its plugin or its key is missing.
    """
    from callisi_runtime.live.providers import build

    spec = runner.plan.spec
    model: llm.LLM[Any] = build("llm", spec.voice.llm[0], spec.language)
    return model


def quiet() -> None:
    """Keep the libraries' own log off the screen: a rehearsal shows a call, and nothing else."""
    for name in ("livekit", "livekit.agents", "livekit.plugins", "openai", "httpx", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
