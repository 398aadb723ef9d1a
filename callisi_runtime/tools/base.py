"""What a tool is: a name, a description and arguments for the model, and one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from callisi_runtime.call import CallRunner


class Arguments(BaseModel):
    """What the model passes to a tool; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model learns."""

    text: str
    reply: bool = True
    """False: the model says nothing more; the machine speaks."""


class ToolMistake(Exception):
    """The model called a tool wrongly; the text tells it how to do better."""


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """Something the language model may do."""

    name: str
    description: str
    """When the model should use it, in German, as the prompt is."""
    arguments: type[A]
    work: Callable[[A, CallRunner], Answer]
    after_words: bool = False
    """Whether the words that the model said before the call are finished first."""

    def described(self, description: str | None) -> Tool[A]:
        """The same tool with the file's own description, when there is one."""
        return replace(self, description=description) if description else self

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments as JSON schema, as models expect it."""
        schema = self.arguments.model_json_schema()
        properties = {
            name: {key: value for key, value in one.items() if key not in ("title", "default")}
            for name, one in schema.get("properties", {}).items()
        }
        return {
            "type": "object",
            "properties": properties,
            "required": schema.get("required", []),
            "additionalProperties": False,
        }

    def run(self, arguments: Mapping[str, object], call: CallRunner) -> Answer:
        """Check the arguments and do it.

        Raises:
            ToolMistake: an argument is unknown, missing or wrong.
        """
        try:
            checked = self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            raise ToolMistake(self._mistake(error)) from None
        return self.work(checked, call)

    def _mistake(self, error: ValidationError) -> str:
        wrong = ", ".join(
            sorted({str(one["loc"][0]) if one["loc"] else "arguments" for one in error.errors()})
        )
        allowed = ", ".join(self.arguments.model_fields) or "keine"
        return f"{self.name}: falsche Angabe: {wrong}. Erlaubt: {allowed}. Rufe die Funktion noch einmal richtig auf."
