"""OpenAI on loopback: chat completions, speech and the list of models, also under Azure's paths."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import re
import time
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import web

from callisi_runtime.loopback.audio import Samples, to_wav
from callisi_runtime.loopback.brain import Brain, ChatRequest, Reply, honest_sentence
from callisi_runtime.loopback.server import Server, Stream
from callisi_runtime.loopback.voice import RATE, Voice, default_voice

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE_BYTES = RATE // 10 * 2  # 100 ms


class OpenAIServer(Server):
    """Operations: `chat`, `speech`, `models`.

    `reply` is the brain, `voice` the voice. `first_token`, `between_tokens` and `first_sound` are seconds.
    """

    def __init__(
        self,
        *,
        reply: Brain = honest_sentence,
        voice: Voice | None = None,
        first_token: float = 0.0,
        between_tokens: float = 0.0,
        first_sound: float = 0.0,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host=host, port=port)
        self.reply = reply
        self.voice = voice or default_voice()
        self.first_token, self.between_tokens, self.first_sound = first_token, between_tokens, first_sound

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL wants."""
        return f"{self.url}/v1"

    def routes(self) -> list[web.RouteDef]:
        """See Server."""
        azure = "/openai/deployments/{deployment}"
        return [
            web.get("/v1/models", self._models),
            web.get("/v1/", self._models),
            web.post("/v1/chat/completions", self._chat),
            web.post(f"{azure}/chat/completions", self._chat),
            web.post("/v1/audio/speech", self._speech),
            web.post(f"{azure}/audio/speech", self._speech),
        ]

    async def operation(self, request: web.Request) -> str:
        """See Server."""
        if request.path.endswith("/chat/completions"):
            return "chat"
        return "speech" if request.path.endswith("/audio/speech") else "models"

    def refusal(self, status: int, message: str) -> web.Response:
        """See Server."""
        kind = (
            "rate_limit_error"
            if status == 429
            else "server_error"
            if status >= 500
            else "invalid_request_error"
        )
        error = {"message": message, "type": kind, "param": None, "code": None}
        return web.json_response({"error": error}, status=status)

    async def _models(self, _: web.Request) -> web.Response:
        names = ["gpt-4.1-mini", "gpt-4o-mini-tts"]
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "loopback"} for name in names]
        return web.json_response({"object": "list", "data": data})

    def _unfit(self, request: web.Request, body: object, *needed: str) -> web.Response | None:
        if not request.headers.get("Authorization", request.headers.get("api-key")):
            return self.refusal(401, "You didn't provide an API key.")
        missing = [name for name in needed if not isinstance(body, dict) or name not in body]
        return self.refusal(400, f"Missing required parameter: '{missing[0]}'.") if missing else None

    # Chat.

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if (unfit := self._unfit(request, body, "model", "messages")) is not None:
            return unfit
        reply = self.reply(_chat_request(body))
        if inspect.isawaitable(reply):
            reply = await reply
        await asyncio.sleep(self.first_token)
        if body.get("stream"):
            pieces = [_event(chunk) for chunk in _chunks(body, reply)]
            stream = Stream(self, request, "text/event-stream")
            return await stream.write_all([*pieces, b"data: [DONE]\n\n"], pause=self.between_tokens)
        return web.json_response(_completion(body, reply))

    # Speech.

    async def _speech(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if (unfit := self._unfit(request, body, "model", "voice", "input")) is not None:
            return unfit
        samples = await asyncio.to_thread(self.voice.speak, str(body["input"]))
        await asyncio.sleep(self.first_sound)
        if body.get("response_format") == "pcm":
            return await self._pcm(request, samples, sse=body.get("stream_format") == "sse")
        # There is no MP3 encoder here: clients read the content type and take WAV for an answer.
        wav = to_wav(samples, RATE)
        return await Stream(self, request, "audio/wav").write_all(list(_cut(wav)))

    async def _pcm(self, request: web.Request, samples: Samples, *, sse: bool) -> web.StreamResponse:
        pieces = list(_cut(samples.astype("<i2").tobytes()))
        if not sse:
            return await Stream(self, request, "audio/pcm").write_all(pieces)
        deltas = [
            _event({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()})
            for piece in pieces
        ]
        usage = {"input_tokens": 1, "output_tokens": len(pieces), "total_tokens": len(pieces) + 1}
        done = _event({"type": "speech.audio.done", "usage": usage})
        return await Stream(self, request, "text/event-stream").write_all([*deltas, done])


def _chat_request(body: dict[str, Any]) -> ChatRequest:
    tools = [tool.get("function", {}).get("name", "") for tool in body.get("tools") or []]
    return ChatRequest(str(body["model"]), body["messages"], tools, body)


def _cut(data: bytes) -> Iterator[bytes]:
    return (data[at : at + _PIECE_BYTES] for at in range(0, len(data), _PIECE_BYTES))


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _usage(body: dict[str, Any], reply: Reply) -> dict[str, int]:
    """Tokens at four characters each."""
    asked = len(json.dumps(body["messages"])) // 4
    said = (len(reply.text) + sum(len(call.arguments_json) for call in reply.tool_calls)) // 4 + 1
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _call(call: Any) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments_json}
    return {"id": f"call_{uuid.uuid4().hex[:16]}", "type": "function", "function": function}


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.tool_calls else "stop"


def _completion(body: dict[str, Any], reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.tool_calls:
        message["tool_calls"] = [_call(call) for call in reply.tool_calls]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    return _head(body, "chat.completion") | {"choices": [choice], "usage": _usage(body, reply)}


def _head(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex[:24]}",
        "object": kind,
        "created": int(time.time()),
        "model": body["model"],
    }


def _chunks(body: dict[str, Any], reply: Reply) -> Iterator[dict[str, Any]]:
    head = _head(body, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    for word in re.findall(r"\s*\S+\s*$|\s*\S+", reply.text):
        yield chunk({"content": word})
    for index, call in enumerate(reply.tool_calls):
        yield chunk({"tool_calls": [{"index": index, **_call(call)}]})
    yield chunk({}, _finish(reply))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield head | {"choices": [], "usage": _usage(body, reply)}
