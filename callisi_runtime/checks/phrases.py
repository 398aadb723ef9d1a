"""Phrases and facts that callers' words are matched with: too general, or never heard."""

from __future__ import annotations

from collections.abc import Iterator

from callisi_runtime.checks.view import View
from callisi_runtime.errors import Problem

_EVERYDAY = """
ja nein doch bitte danke hallo guten tag morgen abend moin servus okay gut ich sie er es wir ihr du mich mir mein
meine man der die das den dem ein eine einen einem und oder aber mit von zu im in am auf für über nach bei ist sind
war habe haben hat hätte möchte will kann können könnte würde muss soll was wer wie wo wann warum termin frage
sprechen reden hilfe mal noch nur so auch gerne gern jetzt heute hier da wissen sagen fragen brauche bräuchte
telefon anruf
"""
EVERYDAY = frozenset(_EVERYDAY.split())
"""Words that stand in calls in which nobody asks for a person."""


def check_ask_for(view: View) -> Iterator[Problem]:
    """A phrase that every other call contains would put every other caller through."""
    transfer = view.spec.transfer
    if transfer is None or not view.wrote("transfer", "ask_for"):
        return
    from callisi_runtime.phrases import normal, wish

    seen: set[str] = set()
    for index, phrase in enumerate(transfer.ask_for):
        loc = ("transfer", "ask_for", index)
        said = normal(phrase)
        if not said:
            yield view.error(loc, "there is no word in this phrase", "empty-phrase")
        elif set(said.split()) <= EVERYDAY:
            yield view.warning(
                loc,
                "this phrase is too general: callers say it without asking for a person",
                "general-phrase",
                got=f"'{phrase}'",
                hint="add who is asked for: `mit dem Empfang sprechen`",
            )
        elif (meant := wish(phrase, (phrase,))) != "person":
            what = f"it reads as {meant}" if meant else "it contains a refusal"
            yield view.warning(
                loc, f"this phrase never leads to a person: {what}", "deaf-phrase", got=f"'{phrase}'"
            )
        if said in seen:
            yield view.warning(
                loc, "this phrase stands twice", "same-phrase", got=f"'{phrase}'", hint="remove one"
            )
        seen.add(said)


def check_facts(view: View) -> Iterator[Problem]:
    """Two facts that answer to the same words: only one of them is ever told."""
    seen: dict[str, int] = {}
    for index, fact in enumerate(view.spec.facts):
        for place, words in enumerate(fact.ask):
            first = seen.setdefault(" ".join(words.casefold().split()), index)
            if first != index:
                yield view.warning(
                    ("facts", index, "ask", place),
                    f"fact {first + 1} answers to the same words",
                    "same-phrase",
                    got=f"'{words}'",
                    hint="remove one",
                )
