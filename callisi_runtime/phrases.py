"""What a caller asks for, without the language model: a person, no person after all, who is speaking, the end.

German as it is spoken on the telephone and as transcribers write it, with or without punctuation. The rules are made
to be right rather than complete: what they do not recognise, the language model hears.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

Wish = Literal["person", "withdraw", "goodbye", "identity"]

# -- words ----------------------------------------------------------------------------------------------------

MACHINE = (
    r"(?:maschine|computer\w*|roboter\w*|ki|bot|automat\w*|sprachcomputer|anrufbeantworter|tonband|assistentin"
    r"|künstliche\w* intelligenz)"
)
PEOPLE = (
    r"(?:mensch(?:en)?|mitarbeiter(?:in|n|innen)?|kolleg(?:e|en|in|innen)|person|ansprechpartner(?:in)?|chef(?:in)?"
    r"|sachbearbeiter(?:in)?|berater(?:in)?|kundendienst|kundenservice|kundenbetreuung|zentrale|empfang|sekretariat"
    r"|geschäftsführ(?:er|erin|ung)|personal|zuständigen|vorgesetzte[nr]?|ihren leuten)"
)
SOMEBODY = rf"(?:{PEOPLE}|(?:irgend)?jemand(?:em|en)?|irgendwe[mn]|wen|wem)"
ARTICLE = (
    r"(?:(?:ein|eine|einen|einem|einer|nem|nen|ne|n|den|dem|der|die|das|ihr\w*|euren|eurem|irgendein\w*)\s)?"
)
KIND = (
    r"(?:(?:echt\w*|richtig\w*|wirklich\w*|lebend\w*|zuständig\w*|ander\w*|menschlich\w*|persönlich\w*)\s)*"
)
FILLER = r"(?:(?:bitte|gern|gerne|endlich|nur|jetzt|mal|einfach|lieber|sofort|doch|auch|denn|eigentlich|wirklich)\s)*"

WANTS = re.compile(
    r"\b(möchte\w*|moechte\w*|mag|will|wollen|würde\w*|wuerde\w*|kann|können|koennen|könnte\w*|kannst|darf|dürfte|bitte"
    r"|muss|müsste|wollte|hätten?|haette|gern|gerne|lassen sie|wünsche|brauche|bräuchte|verlange|bestehe"
    r"|(?:ist|wäre) es möglich|besteht die möglichkeit|gibt es|gebt?|geben sie|gib|hol\w*|versuchen sie)\b"
)
REACHES = re.compile(
    r"\b(sprechen|spreche|reden|rede|telefonieren|unterhalten|verbind\w*|verbunden|durchstellen|durchgestellt"
    r"|stell\w*|weiterleit\w*|weitergeleitet|gib|geben|hol\w*|ans telefon|an den apparat|dranhaben|dran)\b"
)
CONNECT = re.compile(
    r"\b(verbind\w* (?:sie |du )?mich|mich (?:\w+ ){0,4}(?:verbinden|durchstellen|weiterleiten|weiterverbinden)"
    r"|(?:stell\w*|leit\w*|reich\w*) (?:sie |du )?mich (?:\w+ ){0,3}(?:durch|weiter)|durchstellen bitte"
    r"|(?:durchgestellt|verbunden|weitergeleitet|weiterverbunden) werden)\b"
    r"|^(?:bitte )?(?:durchstellen|(?:weiter)?verbinden)(?: bitte)?$"
)
DESIRE = re.compile(
    rf"\b(?:brauche|will|möchte|hätte|wünsche|verlange|suche|bitte|geben sie mir|gib mir|lieber)\s{FILLER}"
    rf"{ARTICLE}{KIND}{PEOPLE}\b(?!\s(?:werden|sein|bleiben))"
)
SOMEONE = re.compile(
    r"\b(?:brauche|bräuchte)\s(?:\w+\s){0,2}?jemanden(?:\s(?:vom|aus dem|am telefon|bitte)\b.*)?$"
)
HAVE = re.compile(rf"\b(?:kann|könnte|darf|dürfte) ich (?:\w+ ){{0,5}}?{PEOPLE} (?:bitte )?haben$")
WISHED = re.compile(rf"\bhätte\w* .*\b{SOMEBODY}\b.*\bgesprochen\b")
DISCUSS = re.compile(
    rf"\b(?:möchte|würde|will|kann ich|könnte ich)\b.*\bmit\s{ARTICLE}{KIND}{SOMEBODY}\b.*\b(?:besprechen|klären)\b"
)
HELP = re.compile(rf"\b(?:kann|könnte|soll)\b.*\b{PEOPLE}\b.*\b(?:helfen|weiterhelfen)\b")
ALONE = re.compile(
    rf"^(?:(?:ja|nein|hallo|okay|ok|äh|also|und|mit|zum|zur|einmal)\s)*{FILLER}{ARTICLE}{KIND}{PEOPLE}(?:\sbitte)?$"
)
ASKS = (CONNECT, DESIRE, HELP, SOMEONE, HAVE, WISHED, DISCUSS)
PERSON = re.compile(rf"\b{SOMEBODY}\b")
PASS_ON = re.compile(
    r"\b(ausrichten|rückruf\w*|zurückruf\w*|zurückgerufen|zurückrufen|nachricht|bescheid|richten sie|melden)\b"
)
ABOUT_PEOPLE = re.compile(
    r"\b(?:ich|wir|er|sie|es) (?:bin|sind|ist|war|waren|habe|haben|hatte|hat)\b|\bwerden$"
    r"|\b(?:suchen|haben|brauchen|stellen|beschäftigen) (?:sie|ihr)\b"
    r"|^(?:wann|wo|wie|was|warum|wieso|welche\w*)\b"
)

SIGH = re.compile(
    r"^(?:\w+\s)?mensch(?: meier)?[,!]\s+(?!bitte|mensch)(?=\w)|\b(?:ach|oh|o|na|boah) mensch\b(?! bitte)"
)
"""`Mensch, das ist ja toll!` asks for nobody."""
THEIR_OWN = re.compile(r"\b(?:mein|unser)\w*\s(?:chef\w*|kolleg\w*|mitarbeiter\w*|personal)\b")
"""The caller's own people are not ours."""
CONTINUED = re.compile(
    r",\s(?=sondern\b|mit (?:dem|der|denen) ich\b)"
    r"|(?<=\bverlange),\s|(?<=\bmöglich),\s|(?<=\bmöglichkeit),\s|(?<=\bdarauf),\s"
)
"""Commas behind which the same thought goes on."""
NEGATION = re.compile(r"\b(nicht|kein\w*|ohne|nie|niemals|niemand\w*|weder)\b")
NOT_THE_MACHINE = re.compile(
    rf"\b(?:nicht|nie|kein\w*|ungern)\s(?:\w+\s){{0,2}}?(?:mit\s)?{ARTICLE}{KIND}(?:{MACHINE}|ihnen|dir|dieser\s\w+)\b"
)
HARMLESS = re.compile(
    r"\b(?:weiß|weiss|verstehe?n?|hilft|bringt?|bringen|reicht|klappt|geht)\s(?:(?:ich|sie|das|es|mir|mich|so|hier)\s)*"
    r"nicht(?:\sweiter)?\b|(?<!\bmich )\b(?:so |hier )?nicht weiter\b|\bnicht (?:wahr|verstanden|zufrieden)\b"
)
NEGATED_QUESTION = re.compile(
    r"^(?P<verb>(?:kann|könnte|können|könnten|darf|dürfte|würden|wollen)\s(?:ich|sie|wir|man)(?:\smich)?)"
    r"\s(?:denn\s|bitte\s)?nicht\s(?=(?:einfach|vielleicht|doch|mal|bitte|mit|endlich|lieber)\b)"
)
SPLIT = re.compile(r"[,.;!?:]+|\b(?:aber|denn|und dann|trotzdem)\b")

IDENTITY = re.compile(
    rf"\b(?:sind|bist)\s(?:sie|du|das)\s{FILLER}(?:\w+\s){{0,1}}?{ARTICLE}{KIND}(?:{MACHINE}|mensch|person|echt)\b"
    rf"|\b(?:spreche|rede|telefoniere)\sich\s(?:\w+\s){{0,3}}?mit\s{ARTICLE}{KIND}(?:{MACHINE}|mensch\w*|person)\b"
    rf"|\bist (?:das|da|dort|hier)\s(?:\w+\s){{0,2}}?{ARTICLE}{KIND}(?:{MACHINE}|mensch|person)\b"
    rf"|\bbin ich (?:\w+\s){{0,2}}?mit\s{ARTICLE}{KIND}(?:{MACHINE}|mensch\w*|person)\sverbunden\b"
    r"|\bmit wem (?:spreche|rede|telefoniere|hab\w*) ich\b|^(?:und )?wer (?:sind sie|bist du|ist da|spricht da)\b"
)
WITHDRAW = re.compile(
    r"\b(doch nicht|nicht (?:mehr )?(?:verbind\w*|verbunden|durchstell\w*|durchgestellt|weiterleit\w*)|lieber nicht"
    r"|lassen sie (?:es|das|mal|gut sein)|lass (?:es|das|mal)|schon gut|hat sich (?:schon )?erledigt|nicht mehr nötig"
    r"|brechen sie .*ab|abbrechen|vergessen sie(?: es| das)?|kein\w* (?:mensch\w*|mitarbeiter\w*) (?:mehr)?|stopp)\b"
    r"|^nein danke$"
)
BYE = (
    r"(?:auf (?:wieder(?:hören|sehen|schauen)|wiederhoeren)|wieder(?:hören|sehen|schauen)|tschüss?|tschüssi|tschau|ciao"
    r"|ade|bis (?:bald|dann|morgen|später)|schöne[ns]? (?:tag|abend|feierabend|wochenende))"
)
GOODBYE = re.compile(rf"\b{BYE}(?: noch)?(?: (?:dann|und|{BYE}|ihnen|auch|frau \w+|herr \w+|danke|noch))*$")
NO_GOODBYE = re.compile(
    r"\b(ausrichten|sagen sie|richten sie|rückruf|zurückrufen|nachricht|wann|wie|was|warum|wo)\b"
)
LONGEST_WISH = 2000
"""Characters, two minutes of speech; of more, the end counts."""
LONGEST_GOODBYE = 14
"""Words; whoever says more has more to say than goodbye."""
FEW_WORDS = 4


def normal(text: str) -> str:
    """Lower case, one blank between words, no punctuation except the question mark."""
    return re.sub(r"\s+", " ", re.sub(r"[^\w? ]+", " ", _lower(text))).strip()


def wish(text: str, ask_for: Sequence[str] = ()) -> Wish | None:
    """What the caller asks for in so many words, or None.

    Args:
        text: What the transcriber understood.
        ask_for: The phrases that the file declares; each is a wish for a person unless the sentence negates it.

    A question about who is speaking is never a wish for a person, and neither is a refusal.
    """
    text = text[-LONGEST_WISH:]
    whole = normal(text).replace("?", " ").strip()
    if not whole:
        return None
    clauses = _clauses(text)
    if any(_asks_for_person(clause, ask_for) for clause in clauses):
        return "person"
    if any(IDENTITY.search(clause) for clause in clauses):
        return "identity"
    if _says_goodbye(whole):
        return "goodbye"
    return "withdraw" if WITHDRAW.search(re.sub(r"\s+", " ", whole)) else None


def answer_from(facts: Sequence[tuple[Sequence[str], str]], text: str) -> str | None:
    """The declared answer whose words stand in the question, the longest match first; None when none does."""
    said = normal(text)
    best: tuple[int, str] | None = None
    for asks, answer in facts:
        for ask in asks:
            declared = normal(ask)
            longer = best is None or len(declared) > best[0]
            if longer and re.search(rf"\b{re.escape(declared)}", said):
                best = (len(declared), answer)
    return best[1] if best else None


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower().replace("'", "").replace("’", "")


def _clauses(text: str) -> list[str]:
    """What is said about machines, about not getting on and about the caller's own people is taken out first."""
    spoken = re.sub(r"\s+", " ", re.sub(r"[^\w,.;!?: ]+", " ", _lower(text)))
    for harmless in (SIGH, THEIR_OWN, NOT_THE_MACHINE, HARMLESS):
        spoken = harmless.sub(" ", spoken).strip()
    spoken = CONTINUED.sub(" ", spoken)
    clauses = (re.sub(r"\s+", " ", clause).strip() for clause in SPLIT.split(spoken))
    return [NEGATED_QUESTION.sub(r"\g<verb> ", clause) for clause in clauses if clause]


def _asks_for_person(clause: str, ask_for: Sequence[str]) -> bool:
    if NEGATION.search(clause) or IDENTITY.search(clause) or PASS_ON.search(clause):
        return False
    if ALONE.match(clause) or any(wanted.search(clause) for wanted in ASKS):
        return True
    if PERSON.search(clause) and WANTS.search(clause) and REACHES.search(clause):
        return True
    return any(_declares(clause, normal(phrase)) for phrase in ask_for)


def _declares(clause: str, phrase: str) -> bool:
    """A phrase of several words counts wherever it stands, a single word only when hardly anything else is said."""
    if not re.search(rf"\b{re.escape(phrase)}\b", clause):
        return False
    return " " in phrase or (len(clause.split()) <= FEW_WORDS and not ABOUT_PEOPLE.search(clause))


def _says_goodbye(said: str) -> bool:
    if len(said.split()) > LONGEST_GOODBYE or not GOODBYE.search(said):
        return False
    return not NO_GOODBYE.search(said)
