"""`Receptionist`: the agent that LiveKit runs. The machine decides when she may answer, the model what is said then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Any, TypeVar

from livekit.agents import Agent, APIError, FlushSentinel, RunContext, StopResponse, function_tool
from livekit.agents.llm import ToolError, ToolResult

from callisi_runtime.call import Hearing
from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.tools import Tool, ToolMistake, tools_of

if TYPE_CHECKING:
    from livekit.agents import ModelSettings, llm
    from livekit.agents.voice.events import (
        AgentStateChangedEvent,
        UserInputTranscribedEvent,
        UserStateChangedEvent,
    )

    from callisi_runtime.call import CallRunner, Clock
    from callisi_runtime.flow import CallState

    Chunk = llm.ChatChunk | str | FlushSentinel

T = TypeVar("T")


class ModelSilent(Exception):
    """The language model has not gone on within its time."""


class Receptionist(Agent):
    """One call's agent: the prompt and the tools of the plan, behind the machine.

    Args:
        runner: The call.
    """

    def __init__(self, runner: CallRunner) -> None:
        super().__init__(
            instructions=runner.plan.prompt(runner.facts),
            tools=[as_function_tool(tool, runner) for tool in tools_of(runner.plan.spec)],
        )
        self.runner = runner
        self.hearing = Hearing(runner)
        self._question = ""
        self._agent_talks = self._caller_talks = False

    # -- hearing --------------------------------------------------------------------------------------------

    async def on_enter(self) -> None:
        """Listen to what the session hears."""
        self.runner.observers.append(self._machine_moved)
        if self.session.output.audio is not None:
            self.session.on("user_input_transcribed", self._transcribed)
            self.session.on("agent_state_changed", self._agent_state)
            self.session.on("user_state_changed", self._user_state)

    async def on_exit(self) -> None:
        """The session is closing; the call may go on without it."""
        if self._machine_moved in self.runner.observers:
            self.runner.observers.remove(self._machine_moved)

    async def on_user_turn_completed(self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage) -> None:
        """The caller has finished: the machine hears it first, and the model answers only when it may."""
        if not self.heard(new_message.text_content or ""):
            raise StopResponse

    def heard(self, text: str) -> bool:
        """The caller's final words; True when the model is to answer them."""
        self._question = text
        return self.hearing.turn(text)

    def _transcribed(self, event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            self.hearing.part(event.transcript)

    def _agent_state(self, event: AgentStateChangedEvent) -> None:
        self._agent_talks = event.new_state == "speaking"
        self.runner.talking(self._agent_talks or self._caller_talks)

    def _user_state(self, event: UserStateChangedEvent) -> None:
        self._caller_talks = event.new_state == "speaking"
        self.runner.talking(self._agent_talks or self._caller_talks)

    def _machine_moved(self, event: on.Event, state: CallState, effects: tuple[do.Effect, ...]) -> None:
        if do.Listen(True) in effects and (text := self.hearing.pending()):
            self.answer_late(text)

    def answer_late(self, text: str) -> None:
        """Answer what was said while the model was not allowed to."""
        self._question = text
        self.session.generate_reply(user_input=text)

    # -- answering ------------------------------------------------------------------------------------------

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[Any], model_settings: ModelSettings
    ) -> AsyncGenerator[Chunk, None]:
        """The model's answer, with a word when it takes long, and the machine in its place when it does not come."""
        if not self.runner.state.listening:
            return
        voice = self.runner.plan.spec.voice
        try:
            stream = self.ask_model(chat_ctx, tools, model_settings)
            async for chunk in in_time(stream, self.runner.clock, voice.first_word, voice.give_up):
                if chunk is not None:
                    yield chunk
                else:
                    yield self.runner.plan.sentence("moment", self.runner.facts) + " "
                    yield FlushSentinel()
        except (APIError, ModelSilent):
            self.model_failed()

    def ask_model(
        self, chat_ctx: llm.ChatContext, tools: list[Any], model_settings: ModelSettings
    ) -> AsyncIterable[Chunk]:
        """The model itself."""
        return Agent.default.llm_node(self, chat_ctx, tools, model_settings)

    def model_failed(self) -> None:
        """The machine takes over, unless the file itself knows the answer."""
        if not self.hearing.answer_fact(self._question):
            self.runner.feed(on.ModelDown())


async def in_time(
    stream: AsyncIterable[T], clock: Clock, first_word: float, give_up: float
) -> AsyncIterator[T | None]:
    """The stream's items; one None when the first takes longer than `first_word` seconds.

    Raises:
        ModelSilent: nothing came for `give_up` seconds.
    """
    items = aiter(stream)
    waited = False
    while True:
        following = asyncio.ensure_future(anext(items))
        try:
            if not waited:
                waited = True
                if not await done_within(following, clock, first_word):
                    yield None
                    give_up -= first_word
            if not await done_within(following, clock, give_up):
                raise ModelSilent
            item = following.result()
        except StopAsyncIteration:
            return
        finally:
            following.cancel()
        yield item


async def done_within(future: asyncio.Future[T], clock: Clock, seconds: float) -> bool:
    """Whether a future is done within `seconds` of the call's own time."""
    over = asyncio.Event()
    timer = clock.later(seconds, over.set)
    late = asyncio.ensure_future(over.wait())
    try:
        await asyncio.wait((future, late), return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
        late.cancel()
    return future.done()


def as_function_tool(tool: Tool[Any], runner: CallRunner) -> Any:
    """A tool as LiveKit wants it. A tool that still runs is not started again."""

    async def work(raw_arguments: dict[str, object], ctx: RunContext[Any]) -> ToolResult:
        if tool.after_words:
            await ctx.wait_for_playout()
        try:
            answer = tool.run(raw_arguments, runner)
        except ToolMistake as mistake:
            raise ToolError(str(mistake)) from None
        return ToolResult(answer.text, reply_required=answer.reply)

    schema = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return function_tool(work, raw_schema=schema, on_duplicate="reject")
