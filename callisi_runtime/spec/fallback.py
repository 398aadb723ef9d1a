"""`fallback`: what happens when no person takes the call. A message to staff, and the truth to the caller."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from callisi_runtime.phone import parse_declared
from callisi_runtime.spec.base import MailAddress, Part, PhoneNumber, Seconds, Sentence, Template, shaped

MESSAGE = (
    "{{ agent.name }}: Ziel nicht erreicht ({{ outcome.words }}). Bitte Rückruf an {{ caller.phone }}"
    "{% if message.subject %}. Anliegen: {{ message.subject }}{% endif %}"
)
MESSAGE_HIDDEN = (
    "{{ agent.name }}: Ziel nicht erreicht ({{ outcome.words }}). "
    "{% if message.callback %}Bitte Rückruf an {{ message.callback }}"
    "{% else %}Anrufer ohne Nummer, {{ call.time }}{% endif %}"
    "{% if message.subject %}. Anliegen: {{ message.subject }}{% endif %}"
)
INTERRUPTED = (
    "{{ agent.name }}: Gespräch unterbrochen. "
    "{% if caller.known %}Bitte Rückruf an {{ caller.phone }}"
    "{% elif message.callback %}Bitte Rückruf an {{ message.callback }}"
    "{% else %}Anrufer ohne Nummer, {{ call.time }}{% endif %}"
    "{% if message.subject %}. Anliegen: {{ message.subject }}{% endif %}"
)


def _without_prefix(value: object) -> object:
    return value.removeprefix("whatsapp:") if isinstance(value, str) else value


SANDBOX_NUMBER = "+14155238886"
"""Twilio's WhatsApp sandbox, the same for every account: it sends no template of ours."""
URL = r"^https?://\S+$"
CONTENT_SID = r"^HX[0-9a-fA-F]{32}$"
ContentSid = Annotated[
    str,
    AfterValidator(shaped(CONTENT_SID, "is not a template's id: HX and 32 letters and digits")),
    Field(json_schema_extra={"pattern": CONTENT_SID}),
]
WhatsAppNumber = Annotated[PhoneNumber, BeforeValidator(_without_prefix)]


def _sender(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9 _&+-]{1,11}", value) and re.search(r"[A-Za-z]", value):
        return value
    return parse_declared(value)


class Delivery(Part):
    """What every channel has in common."""

    tries: Annotated[int, Field(ge=1, le=20)] = 4
    """How often this channel is tried before the next one."""
    confirm: Annotated[Seconds, Field(ge=5)] = 600.0
    """Seconds to wait for the provider's word that the message arrived, before the next channel is tried."""
    accept: Literal["sent", "delivered"] = "sent"
    """What counts as done: the provider took it, or the provider reports its arrival."""
    message: Template = MESSAGE
    """What the staff reads. `{{ claim.url }}` is the link that takes the callback over (CALLISI_PUBLIC_URL)."""
    message_hidden: Template = MESSAGE_HIDDEN
    """What the staff reads when the caller shows no number."""


class Sms(Delivery):
    """A text message over Twilio."""

    to: PhoneNumber
    """Who gets it: a mobile number."""
    sender: Annotated[str, AfterValidator(_sender)] | None = Field(default=None, alias="from", max_length=30)
    """From whom it comes: a number of yours, or up to 11 letters; TWILIO_PHONE_NUMBER when left out."""
    validity: Annotated[int, Field(ge=60, le=36_000)] = 1800
    """Seconds after which an undelivered message is dropped: a missed call hours later helps nobody."""
    max_segments: Annotated[int, Field(ge=1, le=10)] = 3
    """How many SMS parts the text may have; longer ones are refused when the file is checked."""


class WhatsApp(Delivery):
    """A WhatsApp message over Twilio: an approved template, or the sandbox for trying out."""

    to: WhatsAppNumber
    """Who gets it; with or without `whatsapp:` in front."""
    sender: WhatsAppNumber | None = Field(default=None, alias="from")
    """From whom it comes; TWILIO_WHATSAPP_FROM when left out."""
    template: Template | None = None
    """What the staff reads, as a text that `callisi provision` has approved by Meta: plain words and `{{ ... }}`, no
    `{% ... %}`. It takes the place of `message`, `message_hidden` and `variables`."""
    content_sid: ContentSid | None = None
    """The approved template (HX...). With `template`, TWILIO_WHATSAPP_CONTENT_SID when left out. Without one, messages
    reach nobody who has not written within 24 hours."""
    variables: dict[Annotated[str, Field(pattern=r"^\d{1,2}$")], Template] = Field(default_factory=dict)
    """The variables of a template that was made elsewhere, by number; each is a text with `{{ ... }}` and may not come
    out empty."""
    sandbox: bool = False
    """True: send free text through Twilio's sandbox. It forgets members after 3 days and free text after 24 hours."""

    @model_validator(mode="after")
    def _template_or_sandbox(self) -> Self:
        if self.content_sid is None and self.template is None and not self.sandbox:
            raise ValueError(
                "WhatsApp delivers free text only within 24 hours of the staff's last message: "
                "give `template` (a text that `callisi provision` has approved) or `content_sid` (an approved "
                "template), or say sandbox: true for trying out"
            )
        if self.template is not None and self.variables:
            raise ValueError("`template` names its variables itself: leave `variables` out")
        return self


class Email(Delivery):
    """An e-mail over SMTP (SMTP_URL)."""

    to: MailAddress
    """Who gets it."""
    sender: MailAddress | None = Field(default=None, alias="from")
    """From whom it comes; SMTP_FROM when left out."""
    subject: Template = "Verpasster Anruf für {{ business.name }}"
    """The subject line."""


class Webhook(Delivery):
    """A signed JSON request to another system: n8n, Make, Zapier, your own."""

    url: Annotated[str, AfterValidator(shaped(URL, "is not an address: it begins with https://"))] = Field(
        json_schema_extra={"pattern": URL}
    )
    """Where it goes. Signed with CALLISI_WEBHOOK_SECRET by the Standard Webhooks headers."""


class Channel(Part):
    """One way to reach the staff: exactly one of sms, whatsapp, email, webhook."""

    sms: Sms | None = None
    """A text message."""
    whatsapp: WhatsApp | None = None
    """A WhatsApp message."""
    email: Email | None = None
    """An e-mail."""
    webhook: Webhook | None = None
    """A request to another system."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        named = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(
                f"a channel is exactly one of sms, whatsapp, email, webhook; got {', '.join(named) or 'none'}"
            )
        return self

    @property
    def kind(self) -> Literal["sms", "whatsapp", "email", "webhook"]:
        """Which of the four it is."""
        for kind in ("sms", "whatsapp", "email", "webhook"):
            if getattr(self, kind) is not None:
                return kind
        raise AssertionError("a channel without a kind passed validation")

    @property
    def settings(self) -> Sms | WhatsApp | Email | Webhook:
        """The block behind the kind."""
        value: Any = getattr(self, self.kind)
        return value  # type: ignore[no-any-return]


class FallbackSay(Part):
    """What the caller is told about the message, bound to evidence."""

    notified: Sentence = "Ich habe das Team {{ channel.spoken }} informiert; Sie werden zurückgerufen."
    """Said only after a channel has accepted the message. `{{ channel.spoken }}` becomes `per SMS` ..."""
    notified_hidden: Sentence = (
        "Ich habe das Team {{ channel.spoken }} informiert. "
        "Da ich Ihre Nummer nicht sehe, rufen Sie bitte später noch einmal an."
    )
    """Instead of `notified` to a caller whose number is hidden and who left none: nobody could call back."""
    trying: Sentence = "Ich versuche noch, das Team zu erreichen."
    """Said while it is not known whether a channel accepted the message."""
    failed: Sentence = (
        "Ich kann das Team gerade nicht erreichen. Bitte rufen Sie {{ business.phone | spoken }} an."
    )
    """Said when every channel has refused."""
    ask_message: Sentence = "Was darf ich ausrichten?"
    """Asked before the message is sent, with `ask_message: true`."""
    no_number: Sentence = "Unter welcher Nummer kann man Sie zurückrufen?"
    """Asked when the caller shows no number, with `ask_message: true`."""


class Fallback(Part):
    """What follows when no person takes the call: a message to staff, and the truth to the caller."""

    channels: tuple[Channel, ...] = Field(min_length=1, max_length=8)
    """Tried in this order until one has accepted."""
    ask_message: bool = False
    """Ask the caller what it is about before the message is sent."""
    patience: Annotated[Seconds, Field(ge=1, le=30)] = 8.0
    """Seconds the caller waits for a channel to accept; then `trying` is said, and the message goes on without them."""
    then: Literal["return", "hang_up"] = "return"
    """After the caller was told: ask whether there is anything else, or say goodbye."""
    escalate_after: Annotated[int, Field(ge=1, le=1440)] | None = None
    """Minutes until a callback that nobody has taken over goes to the next channel; never when left out.

    After the last channel it is an error in the log, and `callisi doctor` fails until somebody has it.

    Whoever got the message takes it over by answering 1, and gives it back with 2.
    """
    interrupted: Template = INTERRUPTED
    """What the staff reads, instead of a channel's `message`, when a call broke off and nobody took it over."""
    say: FallbackSay = FallbackSay.model_construct()
    """What the caller is told."""
