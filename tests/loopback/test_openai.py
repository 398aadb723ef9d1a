"""The real plugins for language model and voice against the loopback OpenAI."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError, llm
from livekit.plugins import openai as plugin

from callisi_runtime.loopback.brain import HONEST_SENTENCE, ChatRequest, Reply, ToolCall
from callisi_runtime.loopback.voice import ToneVoice
from tests.loopback.conftest import ONCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

    from callisi_runtime.loopback.openai import OpenAIServer


@asynccontextmanager
async def a_model(server: OpenAIServer) -> AsyncIterator[plugin.LLM]:
    model = plugin.LLM(model="gpt-4.1-mini", base_url=server.base_url, api_key="loopback")
    try:
        yield model
    finally:
        await model.aclose()
        await model._client.close()


async def ask(model: plugin.LLM, text: str, tools: list[llm.Tool] | None = None) -> llm.CollectedResponse:
    context = llm.ChatContext.empty()
    context.add_message(role="system", content="Du bist Clara.")
    context.add_message(role="user", content=text)
    async with model.chat(chat_ctx=context, tools=tools, conn_options=ONCE) as stream:
        return await stream.collect()


@llm.function_tool
async def request_human_transfer(reason: str) -> str:
    """Connect the caller with a person."""
    return reason


async def test_without_a_brain_it_says_honestly_that_it_has_none(openai: OpenAIServer) -> None:
    async with a_model(openai) as model:
        answer = await ask(model, "Guten Tag")
    assert answer.text == HONEST_SENTENCE
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0


async def test_the_brain_sees_what_was_said_and_which_tools_there_are(openai: OpenAIServer) -> None:
    seen: list[ChatRequest] = []

    async def brain(request: ChatRequest) -> Reply:
        seen.append(request)
        return Reply("Gern.", (ToolCall("request_human_transfer", {"reason": "Rückfrage"}),))

    openai.reply = brain
    async with a_model(openai) as model:
        answer = await ask(model, "Ich möchte mit einem Menschen sprechen", [request_human_transfer])
    assert (seen[0].last_user_text, seen[0].last_role) == ("Ich möchte mit einem Menschen sprechen", "user")
    assert seen[0].tools == ["request_human_transfer"]
    assert answer.text == "Gern."
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [
        ("request_human_transfer", '{"reason": "Rückfrage"}')
    ]


async def test_two_tool_calls_in_one_answer_both_arrive(openai: OpenAIServer) -> None:
    calls = (
        ToolCall("request_human_transfer", {"reason": "a"}),
        ToolCall("request_human_transfer", {"reason": "b"}),
    )
    openai.reply = lambda _: Reply(tool_calls=calls)
    async with a_model(openai) as model:
        answer = await ask(model, "Hallo", [request_human_transfer])
    assert [call.arguments for call in answer.tool_calls] == ['{"reason": "a"}', '{"reason": "b"}']


async def test_an_answer_in_one_piece(openai: OpenAIServer, http: aiohttp.ClientSession) -> None:
    openai.reply = lambda _: Reply("Guten Tag.", (ToolCall("end_call"),))
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    headers = {"Authorization": "Bearer k"}
    async with http.post(f"{openai.base_url}/chat/completions", json=body, headers=headers) as response:
        choice = (await response.json())["choices"][0]
    assert choice["message"]["content"] == "Guten Tag."
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("key", [{}, {"Authorization": "Bearer k"}])
async def test_requests_without_key_or_without_messages_are_refused(
    openai: OpenAIServer, http: aiohttp.ClientSession, key: dict[str, str]
) -> None:
    async with http.post(f"{openai.base_url}/chat/completions", json={"model": "m"}, headers=key) as response:
        assert response.status == (400 if key else 401)
        assert "message" in (await response.json())["error"]


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ("status:429", APIStatusError, 429),
        ("status:500", APIStatusError, 500),
        ("hang", APITimeoutError, None),
        ("slow:30", APITimeoutError, None),
        ("drop", APIConnectionError, None),
        ("drop_mid", APIConnectionError, None),
        ("hang_mid", APIError, None),
        ("accept_then_hang", APITimeoutError, None),
        ("accept_then_drop", APIConnectionError, None),
    ],
)
async def test_the_language_model_plugin_meets_every_fault(
    openai: OpenAIServer, fault: str, error: type[APIError], status: int | None
) -> None:
    openai.faults.add("chat", fault)
    async with a_model(openai) as model:
        with pytest.raises(error) as caught:
            await ask(model, "Guten Tag")
        assert getattr(caught.value, "status_code", None) in {status, -1, None}
        assert (await ask(model, "Noch einmal")).text == HONEST_SENTENCE
    assert [entry.fault for entry in openai.log.of("chat")] == [fault, None]


async def test_azure_is_the_same_model_under_its_own_paths(openai: OpenAIServer) -> None:
    model = plugin.LLM.with_azure(
        model="gpt-4.1-mini",
        azure_endpoint=openai.url,
        azure_deployment="clara",
        api_version="2024-10-21",
        api_key="loopback",
    )
    assert (await ask(model, "Guten Tag")).text == HONEST_SENTENCE
    await model.aclose()
    await model._client.close()
    assert openai.log.of("chat")[0].path == "/openai/deployments/clara/chat/completions"


async def test_a_body_that_is_no_json_is_a_bad_request(
    openai: OpenAIServer, http: aiohttp.ClientSession
) -> None:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
    async with http.post(f"{openai.base_url}/chat/completions", data=b"{", headers=headers) as response:
        assert response.status == 400


async def say(server: OpenAIServer, text: str, **options: Any) -> float:
    """Seconds of sound that arrive."""
    voice = plugin.TTS(base_url=server.base_url, api_key="loopback", **options)
    try:
        async with aclosing(voice.synthesize(text, conn_options=ONCE)) as stream:
            return sum([event.frame.duration async for event in stream])
    finally:
        await voice.aclose()


@pytest.mark.parametrize(
    "options",
    [
        {"response_format": "pcm"},
        {"response_format": "pcm", "model": "tts-1"},
        {"response_format": "wav"},
        {},
    ],
    ids=["sse", "pcm", "wav", "the plugin's default"],
)
async def test_the_voice_plugin_plays_the_whole_sentence(
    openai: OpenAIServer, options: dict[str, Any]
) -> None:
    sentence = "Guten Tag, hier ist Clara."
    spoken = len(ToneVoice().speak(sentence)) / 24000
    assert await say(openai, sentence, **options) == pytest.approx(spoken, abs=0.06)


async def test_a_hanging_voice_says_nothing(openai: OpenAIServer) -> None:
    openai.faults.add("speech", "hang")
    with pytest.raises(TimeoutError):  # the plugin itself would wait for half a minute
        async with asyncio.timeout(0.3):
            await say(openai, "Guten Tag.", response_format="pcm")


@pytest.mark.parametrize("fault", ["status:500", "drop", "drop_mid", "accept_then_drop"])
async def test_the_voice_plugin_meets_faults(openai: OpenAIServer, fault: str) -> None:
    openai.faults.add("speech", fault)
    with pytest.raises(APIError):
        await say(openai, "Guten Tag.", response_format="pcm")
    assert await say(openai, "Guten Tag.", response_format="pcm") > 0.5
