"""`voice`: who listens, thinks and speaks, and when a turn is over."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from callisi_runtime.spec.base import Part, Seconds

SHORT_FORM = re.compile(
    r"^(?P<provider>[a-z][a-z0-9_-]*)(/(?P<model>[^:\s]+(:\d[^:\s]*)?))?(:(?P<voice>[^:\s]+))?$"
)
"""`provider/model:voice`; model and voice may be left out."""


class Provider(Part):
    """One speech or language service, in its long form."""

    provider: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    """The LiveKit plugin by name: `openai`, `azure`, `deepgram`, `elevenlabs` ... (`azure` is served by `openai`'s)."""
    model: str | None = None
    """The provider's own name of the model; the plugin's default when left out."""
    voice: str | None = None
    """The provider's own name of the voice; only for `tts`."""
    base_url: str | None = Field(default=None, pattern=r"^(https?|wss?)://")
    """Another address that speaks the same protocol: a proxy, a self-hosted model, a test."""
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Z_][A-Z0-9_]*$")
    """The environment variable that holds the key, when not the plugin's usual one. Secrets never stand in YAML."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Every other option of the plugin, by its own name: `temperature`, `speed`, `keyterm` ..."""

    def short(self) -> str:
        """The provider as `provider/model:voice`, as logs and the speech cache name it."""
        model = f"/{self.model}" if self.model else ""
        voice = f":{self.voice}" if self.voice else ""
        return f"{self.provider}{model}{voice}"


def _from_short_form(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = SHORT_FORM.match(value)
    if match is None:
        raise ValueError(
            f"{value!r} is not `provider/model:voice`, for example `openai/gpt-4o-mini-tts:coral`"
        )
    return {key: match[key] for key in ("provider", "model", "voice") if match[key]}


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


OneProvider = Annotated[Provider, BeforeValidator(_from_short_form)]
_LONG: dict[str, Any] = {"$ref": "#/$defs/Provider"}
_SHORT: dict[str, Any] = {
    "type": "string",
    "description": "`provider/model:voice`, for example `openai/gpt-4o-mini-tts:coral`.",
}
Providers = Annotated[
    tuple[OneProvider, ...],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=5),
]
"""One provider, or a list in the order in which they are tried when one fails."""


class Interruption(Part):
    """When the caller may speak over the agent."""

    mode: Literal["vad", "off"] = "vad"
    """`vad`: the caller's voice stops the agent; `off`: every sentence is finished."""
    min_seconds: Annotated[float, Field(ge=0, le=5)] = 0.5
    """How long the caller must speak before the agent stops; a cough is shorter."""
    min_words: Annotated[int, Field(ge=0, le=10)] = 0
    """How many words the caller must have said before the agent stops."""
    resume_after: Annotated[float, Field(ge=0, le=10)] | None = 2.0
    """Seconds without a word after which an interrupted sentence goes on; `null`: it does not go on."""


class Turn(Part):
    """When the caller has finished speaking. Always explicit: there is no hidden cloud service behind it."""

    detection: Literal["vad", "stt", "model"] = "vad"
    """`vad`: a pause; `stt`: the transcriber says so; `model`: LiveKit's local end-of-turn model."""
    min_delay: Annotated[float, Field(ge=0, le=5)] = 0.3
    """Seconds of silence after which a turn may be over."""
    max_delay: Annotated[float, Field(ge=0.1, le=10)] = 1.2
    """Seconds of silence after which a turn is over in any case."""
    interruption: Interruption = Interruption.model_construct()
    """When the caller may speak over the agent."""

    @model_validator(mode="after")
    def _delays_in_order(self) -> Self:
        if self.min_delay > self.max_delay:
            raise ValueError(
                f"min_delay {self.min_delay} is longer than max_delay {self.max_delay}: lower it or raise max_delay"
            )
        return self


def _default(provider: str, model: str, voice: str | None = None) -> tuple[Provider, ...]:
    return (Provider.model_construct(provider=provider, model=model, voice=voice),)


class Voice(Part):
    """Who listens (stt), thinks (llm), speaks (tts), and how a turn ends."""

    stt: Providers = Field(default=_default("deepgram", "nova-3"), validate_default=True)
    """Speech to text: `deepgram/nova-3`; a list is a failover order."""
    llm: Providers = Field(default=_default("openai", "gpt-4.1-mini"), validate_default=True)
    """The language model: `openai/gpt-4.1-mini`; a list is a failover order."""
    tts: Providers = Field(
        default=(Provider.model_construct(provider="openai", model="gpt-4o-mini-tts", voice="coral"),),
        validate_default=True,
    )
    """Text to speech: `openai/gpt-4o-mini-tts:coral`; a list is a failover order."""
    vad: Literal["silero", "local"] = "silero"
    """Voice activity detection: the Silero plugin, or the one that LiveKit bundles (a fifth of the CPU)."""
    turn: Turn = Turn.model_construct()
    """When the caller has finished speaking, and when the agent may be interrupted."""
    first_word: Seconds = 1.5
    """Seconds to wait for the language model before the caller hears `say.moment`."""
    give_up: Seconds = 8.0
    """Seconds after which a silent language model counts as down."""

    @model_validator(mode="after")
    def _waits_in_order(self) -> Self:
        if self.first_word >= self.give_up:
            raise ValueError(f"first_word {self.first_word} must be shorter than give_up {self.give_up}")
        return self


def provider_schema() -> dict[str, Any]:
    """The JSON schema of a `Providers` value: short form, long form, or a list of both."""
    one = {"anyOf": [_SHORT, _LONG]}
    return {"anyOf": [*one["anyOf"], {"type": "array", "minItems": 1, "maxItems": 5, "items": one}]}


__all__ = ["Interruption", "Provider", "Providers", "Turn", "Voice", "WithJsonSchema", "provider_schema"]
