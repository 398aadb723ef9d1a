"""Deepgram on loopback: the streaming websocket and the prerecorded request."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from callisi_runtime.loopback.audio import from_bytes, from_wav
from callisi_runtime.loopback.hearing import Ears, Ended, Heard, Started
from callisi_runtime.loopback.recognise import Recogniser, ScriptedRecogniser
from callisi_runtime.loopback.server import FAULT, Server

if TYPE_CHECKING:
    from callisi_runtime.loopback.faults import Fault

_PATIENCE = 12.0  # seconds without sound or KeepAlive until Deepgram hangs up


class DeepgramServer(Server):
    """Operation: `listen`; each final transcript is noted as `transcript`, the end of a
    websocket as `closed`.

    An utterance is what lies between two silences of `endpoint_silence` seconds; what was said in it, the
    recogniser decides. On a websocket `accept_then_hang` is a recogniser gone deaf, `drop_mid` a line that
    breaks at the first sound.
    """

    def __init__(
        self,
        *,
        recogniser: Recogniser | None = None,
        endpoint_silence: float = 0.4,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host=host, port=port)
        self.recogniser: Recogniser = recogniser or ScriptedRecogniser()
        self.endpoint_silence = endpoint_silence

    @property
    def base_url(self) -> str:
        """What DEEPGRAM_BASE_URL wants: the plugin's `base_url`, path included."""
        return f"{self.url}/v1/listen"

    def routes(self) -> list[web.RouteDef]:
        """See Server."""
        return [
            web.get("/v1/listen", self._listen),
            web.post("/v1/listen", self._prerecorded),
            web.get("/v1/projects", self._projects),
        ]

    async def operation(self, request: web.Request) -> str:
        """See Server."""
        return "projects" if request.path.endswith("/projects") else "listen"

    def refusal(self, status: int, message: str) -> web.Response:
        """See Server."""
        code = {401: "INVALID_AUTH", 429: "TOO_MANY_REQUESTS"}.get(status, "INTERNAL_SERVER_ERROR")
        body = {"err_code": code, "err_msg": message, "request_id": str(uuid.uuid4())}
        return web.json_response(body, status=status)

    def _stranger(self, request: web.Request) -> bool:
        return not request.headers.get("Authorization", "").startswith(("Token ", "Bearer "))

    async def _prerecorded(self, request: web.Request) -> web.Response:
        if self._stranger(request):
            return self.refusal(401, "Invalid credentials.")
        samples, rate = from_wav(await request.read())
        text = await asyncio.to_thread(self.recogniser.recognise, samples, rate)
        self.note("transcript", text)
        channel = {"alternatives": [_alternative(text, 0.0, len(samples) / rate)]}
        metadata = {"request_id": str(uuid.uuid4()), "channels": 1, "duration": len(samples) / rate}
        return web.json_response({"metadata": metadata, "results": {"channels": [channel]}})

    async def _projects(self, request: web.Request) -> web.Response:
        if not request.headers.get("Authorization"):
            return self.refusal(401, "Invalid credentials.")
        return web.json_response({"projects": [{"project_id": "loopback", "name": "Loopback"}]})

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if self._stranger(request):
            return self.refusal(401, "Invalid credentials.")
        # The middleware's half answers are made of bytes; a websocket has its own halves.
        socket = web.WebSocketResponse(receive_timeout=_PATIENCE)
        await socket.prepare(request)
        await _Conversation(self, request, socket, request.get(FAULT)).run()
        return socket


class _Conversation:
    """One open websocket."""

    def __init__(
        self, server: DeepgramServer, request: web.Request, socket: web.WebSocketResponse, fault: Fault | None
    ) -> None:
        self._server, self._request, self._socket = server, request, socket
        self._fault = None if fault is None else fault.kind
        query = request.query
        self._rate = int(query.get("sample_rate", 16000))
        self._encoding = query.get("encoding", "linear16")
        self._interim = query.get("interim_results") == "true"
        self._vad = query.get("vad_events") == "true"
        gap = query.get("utterance_end_ms")
        self._ears = Ears(self._rate, server.endpoint_silence, int(gap) / 1000 if gap else None)
        self._id = str(uuid.uuid4())

    async def run(self) -> None:
        """Listen until the client says CloseStream, leaves, or falls silent."""
        if self._fault == "accept_then_drop":
            self._server.drop(self._request)
            return
        try:
            while (message := await self._socket.receive()).type in {WSMsgType.BINARY, WSMsgType.TEXT}:
                if message.type is WSMsgType.BINARY:
                    await self._hear(message.data)
                elif await self._told(json.loads(message.data).get("type")):
                    return
        except TimeoutError:
            await self._socket.close(code=1011, message=b"NET-0001")
        finally:
            self._server.note("closed", {"seconds": round(self._ears.now, 3)})

    async def _hear(self, data: bytes) -> None:
        for what in self._ears.hear(from_bytes(data, self._encoding)):
            await self._tell(what)

    async def _told(self, word: str | None) -> bool:
        """Obey a control message; whether it was the last."""
        if word not in {"Finalize", "CloseStream"}:
            return False
        if (rest := self._ears.finish()) is not None:
            await self._final(rest, from_finalize=word == "Finalize")
        if word == "CloseStream":
            await self._send({"type": "Metadata", "request_id": self._id, "duration": self._ears.now})
            await self._socket.close()
        return word == "CloseStream"

    async def _tell(self, what: Started | Heard | Ended) -> None:
        match what:
            case Started(at):
                await self._started(at)
            case Heard():
                await self._final(what)
            case Ended(at):
                await self._send({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": at})

    async def _started(self, at: float) -> None:
        if self._fault in {"drop_mid", "hang_mid"}:
            if self._fault == "drop_mid":
                self._server.drop(self._request)
            self._fault = "hang"
        if self._vad:
            await self._send({"type": "SpeechStarted", "channel": [0, 1], "timestamp": at})
        guess = getattr(self._server.recogniser, "guess", None)
        if self._interim and guess is not None and (text := guess()):
            await self._results(text, at, self._ears.now, final=False)

    async def _final(self, heard: Heard, *, from_finalize: bool = False) -> None:
        if self._deaf:
            return
        text = await asyncio.to_thread(self._server.recogniser.recognise, heard.samples, self._rate)
        self._server.note("transcript", text)
        await self._results(text, heard.start, heard.end, final=True, from_finalize=from_finalize)

    async def _results(
        self, text: str, start: float, end: float, *, final: bool, from_finalize: bool = False
    ) -> None:
        await self._send(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "start": start,
                "duration": end - start,
                "is_final": final,
                "speech_final": final,
                "from_finalize": from_finalize,
                "channel": {"alternatives": [_alternative(text, start, end)]},
                "metadata": {"request_id": self._id, "model_info": {"name": "loopback"}},
            }
        )

    @property
    def _deaf(self) -> bool:
        return self._fault is not None and self._fault != "slow"

    async def _send(self, message: dict[str, Any]) -> None:
        if not self._deaf and not self._socket.closed:
            await self._socket.send_json(message)


def _alternative(text: str, start: float, end: float) -> dict[str, Any]:
    """The transcript with its words spread evenly over the utterance."""
    said = text.split()
    each = (end - start) / max(len(said), 1)
    words = [
        {
            "word": word.strip(".,;:!?").lower(),
            "punctuated_word": word,
            "start": round(start + index * each, 3),
            "end": round(start + (index + 1) * each, 3),
            "confidence": 0.99,
        }
        for index, word in enumerate(said)
    ]
    return {"transcript": text, "confidence": 0.99 if text else 0.0, "words": words}
