"""The language model's instructions: the persona, what is known for certain, and the rules that always hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from callisi_runtime.templates import render

if TYPE_CHECKING:
    from callisi_runtime.plan.facts import CallFacts
    from callisi_runtime.spec import AgentSpec

RULES = """\
Du telefonierst. Antworte kurz, in ein bis zwei Sätzen, ohne Aufzählungen, Formatierung oder Emojis.
Du bist eine KI. Wer danach fragt, ob du ein Mensch bist, erfährt das ohne Umschweife.
Sage nie, dass jemand verbunden, informiert oder benachrichtigt wurde: das sagt das System selbst, wenn es wahr ist.
Erfinde nichts. Was du nicht weißt, sagst du offen{offer}.
Bei einem Notfall sagst du sofort, dass die Anrufer auflegen und die 112 oder die 110 wählen sollen."""

OFFERS = {
    "request_human_transfer": "zu verbinden",
    "take_message": "eine Nachricht aufzunehmen",
}
"""Tool -> what the agent may offer because she has it."""


def rules_of(spec: AgentSpec) -> str:
    """The rules that always hold; nothing is offered that the file does not declare."""
    declared = {tool.name for tool in spec.tools}
    offers = [words for name, words in OFFERS.items() if name in declared]
    offer = (
        f" und bietest an, {' oder '.join(offers)}"
        if offers
        else " und nennst die Nummer {{ business.phone | spoken }}"
    )
    return RULES.replace("{offer}", offer)


def prompt_of(spec: AgentSpec, names: Mapping[str, object], call: CallFacts) -> str:
    """The whole prompt of one call.

    Args:
        spec: The agent.
        names: What templates may use, from `facts.variables`.
        call: The call.
    """
    parts = [render(spec.persona, names).strip(), render(rules_of(spec), names)]
    known = [f"- {render(fact.answer, names).strip()}" for fact in spec.facts]
    if known:
        parts.append("Das weißt du sicher:\n" + "\n".join(known))
    if spec.hours is not None:
        parts.append(f"Öffnungszeiten: {render('{{ hours.words }}', names)}.")
    parts.append(f"Der Anruf kam am {render('{{ call.date }} um {{ call.time }}', names)} Uhr.")
    return "\n\n".join(parts)
