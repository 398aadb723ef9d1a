"""Checks of what people wrote: the agent's file, and the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from callisi_runtime.doctor.patient import NO_AGENT
from callisi_runtime.doctor.result import Result, ok, problem, skipped, warning
from callisi_runtime.errors import CallisiError

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient
    from callisi_runtime.spec import AgentSpec, Provider

KEYS = {"azure": "AZURE_OPENAI_API_KEY", "elevenlabs": "ELEVEN_API_KEY", "google": "GOOGLE_API_KEY"}
"""Provider -> the variable of its key, where it is not `<PROVIDER>_API_KEY`."""


async def agent_file(patient: Patient) -> list[Result]:
    """Whether the agent's file is right."""
    from callisi_runtime.checks import load_agent

    if patient.agent is None:
        return [skipped(NO_AGENT)]
    try:
        loaded = load_agent(Path(patient.agent), patient.environ)
    except CallisiError as error:
        wrong = [one for one in error.problems if one.severity == "error"]
        return [problem(str(one), f"callisi validate {patient.agent}") for one in wrong]
    patient.spec = loaded.value
    found = [warning(str(one).replace("warning: ", "", 1), "see the line named") for one in loaded.warnings]
    return found or [ok(f"{patient.agent} is right")]


async def environment(patient: Patient) -> list[Result]:
    """Whether everything is set that the agent needs."""
    from callisi_runtime.notify.needs import missing_settings
    from callisi_runtime.notify.settings import notify_settings

    spec, settings = patient.spec, patient.settings
    found = [
        problem(f"{name} is not set", "set it in the environment or in .env")
        for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
        if settings.has_livekit and not getattr(settings, name.lower())
    ]
    if not settings.has_livekit:
        found.append(
            warning("LIVEKIT_URL is not set: calls are rehearsed, none is answered", "docs/number.md, step 2")
        )
    if spec is not None:
        found += [
            problem(f"{name} is not set", "set it in the environment or in .env")
            for name in sorted(missing_keys(spec, patient))
        ]
        declared = [channel.kind for channel in spec.fallback.channels] if spec.fallback else []
        found += [
            problem(one.message, one.hint or "")
            for one in missing_settings(declared, notify_settings(settings))
        ]
        found += example_numbers(spec)
    return found or [ok("everything is set")]


def missing_keys(spec: AgentSpec, patient: Patient) -> set[str]:
    """The keys of providers that the agent names and the environment lacks."""
    voice = spec.voice
    wanted = {key_of(one) for one in (*voice.stt, *voice.llm, *voice.tts)}
    return {name for name in wanted if not patient.environ.get(name, "").strip()}


def key_of(one: Provider) -> str:
    """The variable of a provider's key."""
    plain = f"{one.provider.upper().replace('-', '_')}_API_KEY"
    return one.api_key_env or KEYS.get(one.provider, plain)


def example_numbers(spec: AgentSpec) -> list[Result]:
    """Targets that still are the numbers of the example."""
    from callisi_runtime.phone import is_example

    targets = [target.to for target in spec.transfer.to] if spec.transfer else []
    if any(is_example(to) for to in targets):
        what = "transfer.to is still the example number, which never rings"
        return [problem(what, "set DEFAULT_FORWARD_NUMBER to the person who is dialled")]
    return []
