"""What a caller asks for, without the language model: a person, no person after all, the end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

Wish = Literal["person", "withdraw", "goodbye", "identity"]

NEGATION = re.compile(
    r"\b(nicht|kein|keine|keinen|keinem|keiner|nein|ohne|nie|niemals|weder|statt|lieber nicht|brauche? (niemand|keinen))\b"
)
QUESTION_ABOUT_US = re.compile(
    r"\b(sind|bist|spreche|rede) (sie|du|ich)\b.*\b(mensch|person|maschine|computer|roboter|ki|bot|echt)\w*"
    r"|\b(mit wem|wer) (spreche|bin|ist|sind|bist)\b|\bein(e)? (mensch|roboter|maschine|computer|ki)\b.*\?"
)
WANT = re.compile(
    r"\b(möchte|moechte|will|wollen|würde|wuerde|kann|können|koennen|könnte|könnten|kannst|darf|dürfte|bitte|brauche|muss|gib|geben|"
    r"verbind\w*|durchstell\w*|stell\w*|hol\w*|sprechen|reden|weiterleit\w*|weiterverbind\w*)\b"
)
PERSON = re.compile(
    r"\b(mensch(en)?|mitarbeiter(in|n|innen)?|kolleg(e|en|in|innen)|jemand(em|en)?|richtige(n|r)? person|echte(n|r)? person|"
    r"einer person|eine person|personal|chef(in)?|zuständige\w*|sachbearbeiter\w*|empfang|rezeption|zentrale)\b"
)
CONNECT = re.compile(
    r"\b(verbinde[nt]? sie mich|verbinde mich|stellen sie mich (bitte )?durch|stell mich (bitte )?durch|durchstellen|"
    r"durchgestellt werden|verbunden werden|weiterverbinden|weiterleiten|weitergeleitet werden)\b"
)
WITHDRAW = re.compile(
    r"\b(doch nicht|nicht (mehr )?(verbinden|verbunden|durchstellen|weiterleiten)|lassen sie (es|das)|lass (es|das)|"
    r"schon gut|hat sich erledigt|nicht mehr nötig|brechen sie .*ab|abbrechen|nein.*nicht verbunden)\b"
)
GOODBYE = re.compile(
    r"^(ja |nein |okay |ok |gut |alles klar |vielen |danke |dank |schön |dann |das wars |das war es |mehr nicht )*"
    r"(auf wiederhören|auf wiedersehen|wiederhören|tschüss|tschüs|ciao|ade|servus|bis bald|schönen tag( noch)?)( .*)?$"
)


def normal(text: str) -> str:
    """Lower case, one blank between words, no punctuation except the question mark."""
    text = unicodedata.normalize("NFC", text).lower().replace("'", "")
    return re.sub(r"\s+", " ", re.sub(r"[^\w?äöüß ]+", " ", text)).strip()


def wish(text: str, ask_for: Sequence[str] = ()) -> Wish | None:
    """What the caller asks for in so many words, or None.

    Args:
        text: What the transcriber understood.
        ask_for: The phrases that the file declares; each is a wish for a person unless the sentence negates it.

    A question about who is speaking is never a wish for a person, and neither is a refusal.
    """
    said = normal(text)
    if not said:
        return None
    bare = said.replace("?", "").strip()
    if GOODBYE.match(bare):
        return "goodbye"
    if QUESTION_ABOUT_US.search(said):
        return "identity"
    if WITHDRAW.search(bare):
        return "withdraw"
    if _asks_for_person(bare, ask_for):
        return "person"
    return None


def _asks_for_person(said: str, ask_for: Sequence[str]) -> bool:
    for clause in re.split(r"\b(?:aber|sondern|denn|und dann)\b", said):
        if NEGATION.search(clause):
            if re.search(
                r"\bnicht mit (einer|einem|der|dem) (maschine|computer|roboter|ki|bot|automat\w*)\b", clause
            ) and PERSON.search(clause):
                return True
            continue
        if CONNECT.search(clause) or (WANT.search(clause) and PERSON.search(clause)):
            return True
        words = clause.split()
        for phrase in ask_for:
            declared = normal(phrase)
            long_enough = " " in declared or len(words) <= 4
            if long_enough and re.search(rf"\b{re.escape(declared)}\b", clause):
                return True
    return False


def answer_from(facts: Sequence[tuple[Sequence[str], str]], text: str) -> str | None:
    """The declared answer whose words stand in the question, the longest match first; None when none does."""
    said = normal(text)
    best: tuple[int, str] | None = None
    for asks, answer in facts:
        for ask in asks:
            declared = normal(ask)
            if declared in said and (best is None or len(declared) > best[0]):
                best = (len(declared), answer)
    return best[1] if best else None
