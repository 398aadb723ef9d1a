"""The text of a WhatsApp template, as Meta approves it: numbered variables, and what fills them in a call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callisi_runtime.templates import TemplateProblem, compile_template, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OF_A_CALL = frozenset({"caller", "call", "outcome", "message", "claim"})
"""Names that each call fills anew; all others are the same for every call, and part of the approved text."""
MAX_BODY = 1024
"""Characters that Meta allows."""
_PIECE = re.compile(r"(\{\{.*?\}\})", re.DOTALL)
_VARIABLE = re.compile(r"\{\{\d+\}\}")


@dataclass(frozen=True, slots=True)
class ContentTemplate:
    """A text that was declared with names, in the form that is handed in."""

    body: str
    """One line, with `{{1}}`, `{{2}}` ... for what differs from call to call."""
    variables: Mapping[str, str]
    """Number -> the template that fills it: `{"1": "{{ outcome.words }}"}`."""

    def filled(self, names: Mapping[str, object]) -> dict[str, str]:
        """Number -> its text in one call. Raises TemplateProblem."""
        return {number: render(text, names).strip() for number, text in self.variables.items()}


def content_template(text: str, names: Mapping[str, object]) -> ContentTemplate:
    """Take a declared text apart.

    Args:
        text: Plain words and `{{ ... }}`.
        names: What templates may use. Those of a call (OF_A_CALL) are not looked at.

    Raises TemplateProblem for conditions and comments, which no approved text can have, and for what is no template.
    """
    if "{%" in text or "{#" in text:
        raise TemplateProblem("a WhatsApp template is one fixed text: it takes no {% ... %} and no {# ... #}")
    fixed = {**{key: value for key, value in names.items() if key not in OF_A_CALL}, **_WHATSAPP}
    variables: dict[str, str] = {}
    body: list[str] = []
    for piece in _PIECE.split(text):
        if not piece.startswith("{{"):
            body.append(piece)
            continue
        plain = re.sub(r"^\{\{-|-\}\}$", lambda mark: mark[0].replace("-", ""), piece)
        words = _fixed_words(plain, fixed)
        if words is None:
            words = f"{{{{{len(variables) + 1}}}}}"
            variables[str(len(variables) + 1)] = plain
        body.append(words)
    return ContentTemplate(" ".join("".join(body).split()), variables)


def refusals(body: str) -> Iterator[str]:
    """What Meta has against the form of a text, as WhatsApp's guidelines and Twilio's error 63040 give it."""
    if _VARIABLE.match(body):
        yield "WhatsApp refuses a template that begins with something that differs from call to call"
    if re.search(r"\}\}$", body):
        yield "WhatsApp refuses a template that ends with something that differs from call to call"
    if re.search(r"\}\}\s*\{\{", body):
        yield "WhatsApp refuses a template with two variables next to each other"
    if len(body) > MAX_BODY:
        yield f"WhatsApp refuses a template of more than {MAX_BODY} characters, and this one has {len(body)}"


_WHATSAPP = {"channel": {"kind": "whatsapp", "spoken": "per WhatsApp"}}


def _fixed_words(piece: str, fixed: Mapping[str, object]) -> str | None:
    """What the piece is in every call; None when it differs."""
    compiled = compile_template(piece)
    try:
        return compiled.render(fixed)
    except TemplateProblem:
        return None
