"""What the texts of a file may claim. The machine guarantees when a sentence is said; this, that it is true then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callisi_runtime.flow.model import FlowPlan

CLAIM = re.compile(
    r"\b(informiert|benachrichtigt|verständigt|weitergegeben|weitergeleitet|ausgerichtet|Bescheid (?:gegeben|gesagt)"
    r"|(?:Nachricht|SMS|Mail|E-Mail|WhatsApp)\b[^.!?]*\b(?:geschickt|gesendet|geschrieben|verschickt|hinterlassen)"
    r"|w(?:erden|ird) (?:\w+ )?zurückgerufen|ruf(?:t|en) Sie zurück|weiß Bescheid|wissen Bescheid)\b",
    re.IGNORECASE,
)
ATTEMPT = re.compile(
    r"\b(nicht|kein\w*|niemand\w*|versuch\w*|werde|würde|möchte|soll|kann|könnte|konnte|falls|wenn|sobald|noch)\b",
    re.IGNORECASE,
)
AI = re.compile(
    r"\b(KI\b|AI\b|\w*-?Bot\b|Chatbot|Voicebot|künstliche\w* Intelligenz"
    r"|(?:digital|virtuell|automatisch|maschinell)e\w* \w+"
    r"|\w*Sprach(?:assist\w+|computer|roboter|agent\w*|dialog\w*)|Telefonassist\w+|Telefoncomputer|Computer\w*"
    r"|Roboter\w*|Maschine"
    r"|Anrufbeantworter)",
    re.IGNORECASE,
)
CONNECTED = re.compile(
    r"\b(sind (?:jetzt |nun |bereits )?verbunden|habe Sie (?:\w+ )?(?:verbunden|durchgestellt)"
    r"|(?:wird|werden) (?:\w+ )?(?:abheben|abnehmen|annehmen|sich melden)|ist (?:sofort|gleich|jetzt) (?:für Sie )?da"
    r"|(?:meldet|melden) sich (?:sofort|gleich))\b",
    re.IGNORECASE,
)
CHANNEL_WORDS = {
    "sms": re.compile(r"\bSMS\b|Textnachricht", re.IGNORECASE),
    "whatsapp": re.compile(r"WhatsApp", re.IGNORECASE),
    "email": re.compile(r"\bE-?Mails?\b", re.IGNORECASE),
}
TRUE_WITHOUT_EVIDENCE = frozenset({"notified", "prompt", "back", "greeting"})
"""Keys whose claims are judged elsewhere: `notified` has evidence, the others claim nothing about messages."""


def claims(text: str) -> str | None:
    """The words by which a text claims that staff knows, or None. A denied or merely attempted claim is none."""
    for clause in re.split(r"[.!?;:,]", text):
        found = CLAIM.search(clause)
        if found and not ATTEMPT.search(clause):
            return found.group(0)
    return None


def _claim_free(plan: FlowPlan, key: str, text: str) -> str | None:
    if key in TRUE_WITHOUT_EVIDENCE:
        return None
    found = claims(text)
    return f"`{key}` claims „{found}“, but is said without evidence" if found else None


def _right_channel(plan: FlowPlan, key: str, text: str) -> str | None:
    kinds = set(plan.channels)
    if key != "notified" or not kinds:
        return None
    for kind, words in CHANNEL_WORDS.items():
        if words.search(text) and kinds != {kind}:
            others = ", ".join(sorted(kinds - {kind}))
            return f"`notified` names {kind}, but {others} may have accepted it: use {{{{ channel.spoken }}}}"
    return None


def _names_ai(plan: FlowPlan, key: str, text: str) -> str | None:
    if key != "greeting" or AI.search(text):
        return None
    return "`greeting` does not say that an AI is speaking"


def _promises_nothing(plan: FlowPlan, key: str, text: str) -> str | None:
    found = (
        CONNECTED.search(text) if key in ("connecting", "still_ringing", "already_ringing", "ask") else None
    )
    return f"`{key}` promises „{found.group(0)}“, but nobody has accepted yet" if found else None


@dataclass(frozen=True, slots=True)
class TextInvariant:
    """One promise about the texts of a file. `fault` answers what is wrong with a text, or None."""

    sentence: str
    fault: Callable[[FlowPlan, str, str], str | None]


TEXT_INVARIANTS: dict[str, TextInvariant] = {
    "claim_without_evidence": TextInvariant(
        "Only `notified` says that staff knows; every other sentence may be said when nobody does.",
        _claim_free,
    ),
    "wrong_channel": TextInvariant(
        "`notified` names no channel that may not have been the one that accepted.", _right_channel
    ),
    "ai_not_named": TextInvariant("The greeting names the AI.", _names_ai),
    "promised_too_early": TextInvariant("While it rings, nobody's answer is promised.", _promises_nothing),
}


def faults(plan: FlowPlan, sentences: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Every fault in the texts: invariant, key, what is wrong."""
    return [
        (name, key, fault)
        for key, text in sentences.items()
        for name, one in TEXT_INVARIANTS.items()
        if (fault := one.fault(plan, key, text)) is not None
    ]
