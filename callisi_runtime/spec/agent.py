"""`AgentSpec`: the whole agent file."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from callisi_runtime.spec.base import Part, PhoneNumber, Seconds, Sentence, Template, shaped
from callisi_runtime.spec.cost import CostLimit
from callisi_runtime.spec.fallback import Fallback
from callisi_runtime.spec.hours import Hours
from callisi_runtime.spec.tools import Tool, Tools
from callisi_runtime.spec.transfer import Transfer
from callisi_runtime.spec.voice import Voice

NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,39}$"
NAME_SENTENCE = "cannot be a name: letters, digits, `-` and `_`, at most 40, beginning with a letter"


class Business(Part):
    """Whose telephone this is."""

    name: str = Field(min_length=1, max_length=80)
    """As it is said on the telephone."""
    phone: PhoneNumber
    """The number that callers are told when nothing else helps. Never dialled by the agent."""
    emergency: PhoneNumber | None = None
    """Where a caller is handed (by REFER) when no process of Callisi can take the call any more; else it is hung up."""
    numbers: tuple[PhoneNumber, ...] = ()
    """Further numbers of your own that lead to this agent; none of them is ever dialled."""


class Fact(Part):
    """Something the agent knows, word for word; it is answered even when the language model is down."""

    ask: tuple[Annotated[str, Field(min_length=3, max_length=80)], ...] = Field(min_length=1, max_length=20)
    """Words that the question contains: `Öffnungszeiten`, `geöffnet`."""
    answer: Sentence
    """What is answered."""


class Disclosure(Part):
    """The duty to say that a machine is speaking (EU AI Act, article 50)."""

    opt_out_reason: str = Field(min_length=10, max_length=300)
    """Why the greeting does not name the AI. You answer for it."""


class AgentSay(Part):
    """What the agent says of her own accord, word for word."""

    goodbye: Sentence = "Vielen Dank für Ihren Anruf. Auf Wiederhören."
    """At the end."""
    anything_else: Sentence = "Kann ich sonst noch etwas für Sie tun?"
    """After a message was taken or a transfer came to nothing."""
    still_there: Sentence = "Sind Sie noch da?"
    """After a silence of the caller."""
    identity: Sentence = "Ich bin {{ agent.name }}, eine KI-Assistentin, kein Mensch."
    """To the caller who asks whether a person is speaking; said without the language model, so it is always true."""
    moment: Sentence = "Einen kleinen Moment bitte."
    """When the language model takes its time."""
    model_down: Sentence = "Ich habe gerade eine technische Störung."
    """When the language model does not answer; then the caller is put through, or a message is taken."""
    over_budget: Sentence = "Ich kann das Gespräch leider nicht selbst weiterführen."
    """When `limits.cost` ends the language model's part; then the caller is put through, or a message is taken."""
    keypad: Sentence = (
        "Ich kann Sie gerade nicht hören. Drücken Sie die 1, um mit einem Menschen zu sprechen."
    )
    """When the transcriber is down."""
    resumed: Sentence = "Entschuldigung, die Verbindung war kurz gestört. Ich bin wieder da."
    """When another process had to take over the call."""
    closed: Sentence = "Im Moment ist niemand im Haus."
    """To a caller who asks for a person outside the hours."""
    no_person: Sentence = (
        "Ich kann Sie leider nicht verbinden. Bitte rufen Sie {{ business.phone | spoken }} an."
    )
    """To a caller who asks for a person when there is no transfer and no way to leave a message."""
    noted: Sentence = "Das habe ich notiert."
    """When a message was taken."""
    time_over: Sentence = "Ich muss das Gespräch jetzt leider beenden."
    """When `limits.max_minutes` is reached."""


class Privacy(Part):
    """What is kept, and for how long."""

    keep_transcript: bool = False
    """Keep what was said in the ledger. Off by default; nothing is ever recorded as audio."""
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """Days after which a call is deleted from the ledger."""


class Limits(Part):
    """Bounds that hold whatever else happens."""

    silence: Annotated[Seconds, Field(ge=2, le=30)] = 6.0
    """Seconds of silence towards the caller that are never exceeded."""
    caller_silence: Annotated[Seconds, Field(ge=3, le=120)] = 12.0
    """Seconds without a word from the caller until `say.still_there`; the third time the call ends."""
    max_minutes: Annotated[int, Field(ge=1, le=120)] = 15
    """Minutes that a caller may speak with the agent."""
    max_calls: Annotated[int, Field(ge=1, le=500)] = 5
    """Calls at the same time on one machine; more are refused before they are answered. Plan 2.5 for each core."""
    cost: CostLimit | None = None
    """What a call and a day may cost at most; nothing is counted when left out."""


class AgentSpec(Part):
    """One telephone receptionist: what `agents/*.yaml` declares."""

    name: Annotated[str, AfterValidator(shaped(NAME, NAME_SENTENCE))] = Field(
        json_schema_extra={"pattern": NAME}
    )
    """The agent's name in LiveKit and in the ledger: letters, digits, `-` and `_`."""
    title: str | None = Field(default=None, min_length=1, max_length=40)
    """The name as callers and staff hear and read it; `name` with a capital when left out."""
    language: Literal["de-DE", "de-AT", "de-CH"] = "de-DE"
    """The language spoken."""
    business: Business
    """Whose telephone this is."""
    persona: Template
    """The prompt: who the agent is and how she behaves. What must be true is not left to it."""
    greeting: Sentence
    """The first sentence. It names the AI."""
    disclosure: Disclosure | None = None
    """Only when the greeting is not to name the AI."""
    facts: tuple[Fact, ...] = Field(default=(), max_length=100)
    """What the agent knows for certain; part of the prompt, and answered without the language model when it is down."""
    voice: Voice = Voice.model_construct()
    """Who listens, thinks and speaks."""
    tools: Tools = (Tool.model_construct(name="current_time"), Tool.model_construct(name="end_call"))
    """What the language model may do."""
    transfer: Transfer | None = None
    """How a caller reaches a person; without it nobody is ever dialled."""
    fallback: Fallback | None = None
    """What follows when no person takes the call; without it no message is ever promised."""
    hours: Hours | None = None
    """When somebody is there; always, when left out."""
    say: AgentSay = AgentSay.model_construct()
    """What the agent says of her own accord."""
    privacy: Privacy = Privacy.model_construct()
    """What is kept."""
    limits: Limits = Limits.model_construct()
    """Bounds that hold whatever else happens."""

    @property
    def display(self) -> str:
        """The name as callers hear it."""
        return self.title or self.name[:1].upper() + self.name[1:]
