"""`transfer`: how a caller reaches a person."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from callisi_runtime.spec.base import Part, PhoneNumber, Seconds, Sentence
from callisi_runtime.spec.hours import Hours

RingTimeout = Annotated[int, Field(ge=5, le=75)]

ASK_FOR = (
    "mit einem Menschen sprechen",
    "mit jemandem sprechen",
    "mit einem Mitarbeiter sprechen",
    "mit einer Person sprechen",
    "einen Menschen",
    "einen Mitarbeiter",
    "eine Mitarbeiterin",
    "verbinden Sie mich",
    "durchstellen",
    "Mitarbeiter",
    "Mensch",
)


class Target(Part):
    """A person, or a group behind one number, who can be dialled."""

    to: PhoneNumber
    """The number that is dialled. Only numbers that stand here are ever dialled."""
    name: str | None = Field(default=None, max_length=60)
    """Who answers there, for messages and the call log: `Empfang`, `Frau Weber`."""
    ring_timeout: RingTimeout | None = None
    """Seconds from dialling until this number is given up; `transfer.ring_timeout` when left out."""
    hours: Hours | None = None
    """When this number may be dialled; the agent's own hours when left out."""


def _as_targets(value: object) -> object:
    values = value if isinstance(value, list | tuple) else [value]
    return [{"to": one} if isinstance(one, str | int) else one for one in values]


class TransferSay(Part):
    """What is said around a transfer, word for word."""

    connecting: Sentence = "Einen Moment bitte, ich stelle Sie durch ..."
    """To the caller, before the first number is dialled."""
    still_ringing: Sentence = "Es klingelt noch. Bitte bleiben Sie dran."
    """To the caller, every few seconds while it rings."""
    already_ringing: Sentence = "Ich bin schon dabei, es klingelt gerade."
    """To the caller who asks again while it rings."""
    ask: Sentence = "Während es klingelt: Worum geht es denn?"
    """To the caller, with `while_ringing: ask`, so that no time is lost."""
    no_answer: Sentence = "Leider erreiche ich dort gerade niemanden."
    """To the caller, when nobody took the call. Must be true of every outcome."""
    busy: Sentence | None = None
    """Instead of `no_answer` when the line was busy."""
    prompt: Sentence = (
        "Anruf für {{ business.name }} {% if caller.known %}von {{ caller.spoken }}{% else %}mit unterdrückter Nummer"
        "{% endif %}.{% if message.subject %} Es geht um: {{ message.subject }}.{% endif %}"
        " Annehmen mit der 1, ablehnen mit der 2."
    )
    """To the person who picked up, repeated until a key is pressed; the caller does not hear it."""
    back: Sentence = "Das Gespräch ist beendet. Kann ich noch etwas für Sie tun?"
    """To the caller, with `after: return`, when the person has hung up."""
    time_warning: Sentence = "Bitte beachten Sie: Das Gespräch endet in einer Minute."
    """To both, one minute before `max_minutes` is over."""


class Transfer(Part):
    """How a caller reaches a person: whom to dial, how long, and what proves that a person took the call."""

    to: Annotated[tuple[Target, ...], BeforeValidator(_as_targets), Field(min_length=1, max_length=10)]
    """A number, or a list of numbers or targets."""
    order: Literal["in_order", "at_once"] = "in_order"
    """`in_order`: one after the other; `at_once`: all ring, the first who accepts has the call."""
    mode: Literal["bridge", "refer"] = "bridge"
    """`bridge`: the person joins the caller's room and must accept; `refer`: the carrier takes over, unproven."""
    trunk: str = Field(default="Callisi-LiveKit-Trunk", min_length=1)
    """The outbound SIP trunk in LiveKit, by name or by its id (`ST_...`)."""
    caller_id: PhoneNumber | None = None
    """The number that the dialled person sees; the trunk's own when left out. Carriers refuse foreign numbers."""
    ring_timeout: RingTimeout = 25
    """Seconds from dialling until a number is given up. Mailboxes answer after 15 to 25 seconds."""
    accept: Literal["press_1", "answer", "any_key"] = "press_1"
    """What proves that a person took the call. A mailbox answers too, but it presses no key."""
    accept_timeout: Annotated[Seconds, Field(ge=3, le=60)] = 12.0
    """Seconds that the answered phone has to accept."""
    while_ringing: Literal["ask", "music", "tone"] = "tone"
    """What the caller hears while it rings: a question about what it is for, a melody, or the ringing tone."""
    word_every: Annotated[Seconds, Field(ge=3, le=30)] = 8.0
    """Seconds between two sentences while it rings."""
    after: Literal["hang_up", "return"] = "hang_up"
    """What happens when the person hangs up first: the call ends, or the agent comes back."""
    max_minutes: Annotated[int, Field(ge=2, le=240)] = 60
    """Minutes after which a connected call is ended, with a spoken warning before."""
    skip_busy: Annotated[Seconds, Field(le=600)] = 0.0
    """Seconds for which a number that was busy is passed over while another can be dialled; 0: it is dialled anyway."""
    ask_for: tuple[Annotated[str, Field(min_length=3, max_length=80)], ...] = ASK_FOR
    """Phrases that lead to a person without the language model. Negations are understood."""
    say: TransferSay = TransferSay.model_construct()
    """What is said around a transfer."""

    def ring_timeout_of(self, target: int) -> int:
        """Seconds that target number `target` may ring."""
        return self.to[target].ring_timeout or self.ring_timeout

    @model_validator(mode="after")
    def _refer_cannot_accept(self) -> Self:
        if self.mode == "refer" and self.order == "at_once":
            raise ValueError(
                "mode: refer hands the call to one number, so order: at_once cannot be: use mode: bridge"
            )
        return self

    @model_validator(mode="after")
    def _targets_differ(self) -> Self:
        numbers = [target.to for target in self.to]
        twice = sorted({number for number in numbers if numbers.count(number) > 1})
        if twice:
            raise ValueError(f"{twice[0]} stands twice among the targets")
        return self
