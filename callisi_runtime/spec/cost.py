"""`limits.cost`: what a call and a day may cost at most, and the prices that this is reckoned with."""

from typing import Self

from pydantic import model_validator

from callisi_runtime.money import money
from callisi_runtime.spec.base import Amount, Part


class CostLimit(Part):
    """A limit that is kept by setting money aside, at the worst price, before anything is asked for that costs."""

    per_call: Amount
    """What one call may cost. The caller's whole time and every message are set aside first."""
    per_day: Amount | None = None
    """What the calls of a day may cost. When it is used up, calls are answered without model and transfer."""
    minute: Amount
    """The most that a started minute of a caller's leg costs: Twilio, LiveKit, the transcriber."""
    turn: Amount
    """The most that one answer of the language model costs, with its tools and its voice."""
    forward_minute: Amount | None = None
    """The most that a started minute of a person's leg costs; needed with `transfer`."""
    message: Amount | None = None
    """The most that one message to staff costs, over all its channels; needed with `sms` and `whatsapp`."""

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        known = {name: money(text).currency for name, text in self if text is not None}
        if len(set(known.values())) > 1:
            found = ", ".join(f"{name} in {currency}" for name, currency in known.items())
            raise ValueError(f"currencies are not added: {found}; write all of them in one")
        if self.per_day is not None and money(self.per_day).amount < money(self.per_call).amount:
            raise ValueError(f"per_day {self.per_day} is less than one call may cost ({self.per_call})")
        return self
