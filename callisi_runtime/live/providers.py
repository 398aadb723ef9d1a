"""From `voice` in the file to LiveKit's plugins: by name, with every option, in failover order."""

from __future__ import annotations

import importlib
import inspect
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from livekit.agents import inference
from livekit.agents import llm as llm_
from livekit.agents import stt as stt_
from livekit.agents import tts as tts_

from callisi_runtime.errors import CallisiError, Problem

if TYPE_CHECKING:
    from livekit.agents import vad as vad_

    from callisi_runtime.spec import AgentSpec, Provider

Kind = Literal["stt", "llm", "tts"]
CLASS_NAMES: dict[Kind, str] = {"stt": "STT", "llm": "LLM", "tts": "TTS"}
KEYS: dict[str, str] = {
    "openai": "OPENAI_API_KEY",
    "azure": "AZURE_OPENAI_API_KEY",
    "deepgram": "DEEPGRAM_API_KEY",
    "elevenlabs": "ELEVEN_API_KEY",
    "cartesia": "CARTESIA_API_KEY",
    "groq": "GROQ_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google": "GOOGLE_API_KEY",
    "assemblyai": "ASSEMBLYAI_API_KEY",
    "speechmatics": "SPEECHMATICS_API_KEY",
}
"""The environment variable that each plugin takes its key from; a plugin that is not listed checks for itself."""
ATTEMPT_SECONDS = 2.5
"""How long one provider of a failover list may take before the next is tried."""


@dataclass(frozen=True, slots=True)
class Voices:
    """The assembled providers of one process."""

    stt: stt_.STT[Any]
    llm: llm_.LLM[Any]
    tts: tts_.TTS[Any]
    speakers: tuple[tts_.TTS[Any], ...]
    """The voices one by one, for fixed sentences."""
    vad: vad_.VAD


def assemble(spec: AgentSpec, vad: vad_.VAD | None = None) -> Voices:
    """Every provider that the file names.

    Args:
        spec: The file.
        vad: Its voice detection, where that is loaded already.

    Raises:
        CallisiError: naming each missing plugin with the package to install, each missing key, and each unknown option.
    """
    problems: list[Problem] = []
    built: dict[Kind, list[Any]] = {"stt": [], "llm": [], "tts": []}
    for kind in CLASS_NAMES:
        for index, provider in enumerate(getattr(spec.voice, kind)):
            try:
                built[kind].append(build(kind, provider, spec.language))
            except CallisiError as error:
                problems.extend(_at(problem, f"voice.{kind}[{index}]") for problem in error.problems)
    if problems:
        raise CallisiError(*problems)
    vad = vad or load_vad(spec)
    return Voices(
        stt=_stt_in_order(built["stt"], vad),
        llm=_llm_in_order(built["llm"]),
        tts=_tts_in_order(built["tts"]),
        speakers=tuple(built["tts"]),
        vad=vad,
    )


def import_plugins(spec: AgentSpec) -> None:
    """Import every plugin the file names: on the main thread, before the worker starts its process pool."""
    problems: list[Problem] = []
    for kind in CLASS_NAMES:
        for index, provider in enumerate(getattr(spec.voice, kind)):
            try:
                plugin_module(provider)
            except CallisiError as error:
                problems.extend(_at(problem, f"voice.{kind}[{index}]") for problem in error.problems)
    if problems:
        raise CallisiError(*problems)
    if spec.voice.vad == "silero":
        importlib.import_module("livekit.plugins.silero")


def build(kind: Kind, provider: Provider, language: str) -> Any:
    """One plugin object."""
    module = plugin_module(provider)
    cls = getattr(module, CLASS_NAMES[kind], None)
    if cls is None:
        raise CallisiError(
            Problem(
                f"the plugin {provider.provider} has no {kind}", code="no-such-kind", got=provider.short()
            )
        )
    make = cls.with_azure if provider.provider == "azure" else cls
    known = inspect.signature(make).parameters
    arguments = arguments_of(kind, provider, language, frozenset(known))
    unknown = sorted(set(provider.options) - set(known))
    if unknown:
        raise CallisiError(
            Problem(
                f"{provider.short()} knows no option {unknown[0]}",
                code="unknown-option",
                got=unknown[0],
                allowed=", ".join(name for name in known if name not in ("self", "client", "http_session")),
            )
        )
    _check_key(provider)
    try:
        return make(**arguments)
    except (TypeError, ValueError) as error:
        raise CallisiError(
            Problem(f"{provider.short()} cannot be set up: {error}", code="provider")
        ) from error


def arguments_of(kind: Kind, provider: Provider, language: str, known: frozenset[str]) -> dict[str, Any]:
    """What the plugin's constructor is called with."""
    wanted: dict[str, Any] = {"model": provider.model, "voice": provider.voice, "base_url": provider.base_url}
    if kind == "stt":
        wanted["language"] = language.split("-", maxsplit=1)[0]
    if kind == "tts":
        wanted["language"] = language.split("-", maxsplit=1)[0]
        if provider.provider in ("openai", "azure"):
            wanted["response_format"] = "pcm"
    if provider.api_key_env:
        wanted["api_key"] = os.environ.get(provider.api_key_env)
    if provider.base_url is None:
        wanted["base_url"] = os.environ.get(f"{provider.provider.upper()}_BASE_URL") or None
    given = {name: value for name, value in wanted.items() if value is not None and name in known}
    return given | provider.options


def plugin_module(provider: Provider) -> Any:
    """The plugin's module; a missing one is named with the package to install."""
    name = "openai" if provider.provider == "azure" else provider.provider
    try:
        return importlib.import_module(f"livekit.plugins.{name}")
    except ImportError as error:
        raise CallisiError(
            Problem(
                f"the plugin for {provider.provider} is not installed",
                code="missing-plugin",
                got=provider.short(),
                hint=f"install it with: pip install 'livekit-plugins-{name.replace('_', '-')}'",
            )
        ) from error


def load_vad(spec: AgentSpec) -> vad_.VAD:
    """Voice activity detection, with the file's own pause."""
    pause = spec.voice.turn.min_delay
    if spec.voice.vad == "local":
        return inference.VAD(min_silence_duration=pause)
    from livekit.plugins import silero

    vad: vad_.VAD = silero.VAD.load(min_silence_duration=pause)
    return vad


def _check_key(provider: Provider) -> None:
    name = provider.api_key_env or KEYS.get(provider.provider)
    if name and not os.environ.get(name) and "api_key" not in provider.options:
        raise CallisiError(
            Problem(
                f"{provider.short()} needs a key",
                code="missing-key",
                hint=f"set {name} in the environment or in .env, or start with --loopback to hear Clara without keys",
            )
        )


def _stt_in_order(built: list[stt_.STT[Any]], vad: vad_.VAD) -> stt_.STT[Any]:
    if len(built) == 1:
        return built[0]
    return stt_.FallbackAdapter(
        built, vad=vad, attempt_timeout=ATTEMPT_SECONDS, max_retry_per_stt=0, retry_interval=0.5
    )


def _llm_in_order(built: list[llm_.LLM[Any]]) -> llm_.LLM[Any]:
    return built[0] if len(built) == 1 else llm_.FallbackAdapter(built, attempt_timeout=ATTEMPT_SECONDS)


def _tts_in_order(built: list[tts_.TTS[Any]]) -> tts_.TTS[Any]:
    return built[0] if len(built) == 1 else tts_.FallbackAdapter(built, max_retry_per_tts=0)


def _at(problem: Problem, path: str) -> Problem:
    return replace(problem, path=path, message=f"{path}: {problem.message}")
