"""What every part of the file has in common: frozen, no unknown keys, numbers and texts of a known shape."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from callisi_runtime.money import PATTERN as AMOUNT
from callisi_runtime.phone import parse_declared


class Part(BaseModel):
    """A block of the agent file: immutable once read, and an unknown key in it is an error.

    Only what is asked for is built, and the whole file builds its blocks as parts of itself: twenty-five validators
    less at every start. So that no default asks for one, defaults are made with `model_construct`; a test holds them
    valid. Annotations are evaluated where they stand, for the same reason: pydantic would compile each from its text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def shaped(pattern: str, sentence: str) -> Callable[[str], str]:
    """A validator for texts of one shape, which says what the shape is instead of showing a pattern."""
    shape = re.compile(pattern)

    def check(value: str) -> str:
        if shape.search(value) is None:
            raise ValueError(f"{value!r} {sentence}")
        return value

    return check


def _digits(value: object) -> object:
    """`112` without quotes is read as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Template = Annotated[str, Field(min_length=1, max_length=4000, json_schema_extra={"x-callisi": "template"})]
"""A text with `{{ … }}` in it, for staff or for the language model."""

Sentence = Annotated[str, Field(min_length=1, max_length=600, json_schema_extra={"x-callisi": "template"})]
"""A text that the caller or a member of staff hears, word for word; never from the language model."""

PhoneNumber = Annotated[
    str,
    BeforeValidator(_digits),
    AfterValidator(parse_declared),
    Field(examples=["+49 30 23125111"], json_schema_extra={"x-callisi": "phone"}),
]
"""A telephone number as a person writes it; kept as E.164."""

MAIL = r"^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+$"
MailAddress = Annotated[
    str,
    AfterValidator(shaped(MAIL, "is not an e-mail address")),
    Field(json_schema_extra={"pattern": MAIL}),
]
"""An e-mail address."""

Amount = Annotated[
    str,
    AfterValidator(shaped(AMOUNT, "is no amount: write it like `1.50 EUR`, with a point and three letters")),
    Field(json_schema_extra={"pattern": AMOUNT}, examples=["1.50 EUR"]),
]
"""An amount of money with its currency."""

Seconds = Annotated[float, Field(ge=0, le=86_400)]
"""A length of time in seconds."""
