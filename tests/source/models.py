"""A small vocabulary to load files into, with every kind of field that an agent file has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Target(Part):
    to: str
    """The number that is dialled."""
    name: str | None = None

    @field_validator("to")
    @classmethod
    def _is_number(cls, value: str) -> str:
        if value == "custom":
            context = {"got": "'custom'", "allowed": ["+49 …", "+43 …"], "hint": "write the country code"}
            raise PydanticCustomError("bad_number", "not a telephone number", context)
        if not value.startswith("+"):
            raise ValueError(f"{value!r} has no country code")
        return value


class Sms(Part):
    type: Literal["sms"]
    to: str
    message: str = "x"


class Mail(Part):
    type: Literal["mail"]
    to: str
    subject: str


class Long(Part):
    provider: str
    model: str


def _as_list(value: object) -> object:
    values = value if isinstance(value, list) else [value]
    return [{"to": one} if isinstance(one, str) else one for one in values]


class Transfer(Part):
    to: Annotated[tuple[Target, ...], BeforeValidator(_as_list), Field(min_length=1)] = ()
    ring_timeout: Annotated[int, Field(ge=5, le=75)] = 25
    seconds: Annotated[float, Field(ge=0.5)] = 1.0
    mode: Literal["bridge", "refer"] = "bridge"
    ask: bool = False

    @model_validator(mode="after")
    def _differ(self) -> Transfer:
        if self.mode == "refer" and self.ask:
            raise ValueError("mode: refer cannot ask")
        return self


class Spec(Part):
    name: Annotated[str, Field(pattern=r"^[a-z]+$", max_length=20)]
    """Who it is. More."""
    language: str = "de"
    opens: str = "08:00"
    transfer: Transfer = Transfer()
    channels: list[Annotated[Sms | Mail, Field(discriminator="type")]] = []
    voice: str | Long | list[str | Long] = "a"
    sender: str | None = Field(default=None, alias="from")
    say: dict[str, str] = {}


class Anything(BaseModel):
    """Takes every file, to see its data."""

    model_config = ConfigDict(extra="allow")

    def keys(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})
