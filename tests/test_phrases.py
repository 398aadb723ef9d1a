from __future__ import annotations

import pytest

from callisi_runtime.phrases import answer_from, normal, wish
from callisi_runtime.spec.transfer import ASK_FOR

PERSON = [
    "Ich möchte mit einem Menschen sprechen",
    "Ich möchte mit einem Menschen sprechen.",
    "ich möchte bitte mit jemandem sprechen",
    "Kann ich mit jemandem reden?",
    "Könnte ich bitte einen Mitarbeiter sprechen?",
    "Verbinden Sie mich bitte.",
    "Verbinden Sie mich mit einem Mitarbeiter",
    "Können Sie mich durchstellen?",
    "Würden Sie mich bitte zu Ihrem Kollegen durchstellen",
    "Stellen Sie mich bitte durch",
    "Ich würde gerne verbunden werden",
    "Ich hätte gern einen Ansprechpartner",
    "Ich brauche einen richtigen Menschen",
    "Ich will einen Menschen!",
    "Bitte einen Menschen.",
    "Einen Mitarbeiter, bitte.",
    "Mitarbeiter",
    "Mensch",
    "Menschen bitte",
    "Geben Sie mir bitte Ihren Chef",
    "Holen Sie mir jemanden ans Telefon",
    "Gibt es bei Ihnen jemanden, mit dem ich sprechen kann? Ich möchte mit jemandem sprechen",
    "Kann mir ein Mitarbeiter weiterhelfen?",
    "Nein, ich möchte lieber mit einem Menschen sprechen",
    "Nein ich will mit einem Menschen reden",
    "Ich will nicht mit einer Maschine sprechen, sondern mit einem Menschen",
    "ich will nicht mit einer maschine sprechen sondern mit einem menschen",
    "Ich will keinen Roboter, ich will einen Menschen",
    "ich will keinen computer ich will einen menschen",
    "Ich möchte nicht mit Ihnen sprechen, sondern mit einem Mitarbeiter",
    "Ich komme so nicht weiter, verbinden Sie mich bitte",
    "Ich weiß nicht, kann ich mit jemandem sprechen?",
    "Das verstehe ich nicht, ich möchte mit einem Menschen sprechen",
    "Kann ich nicht einfach mit einem Menschen sprechen?",
    "Können Sie mich nicht einfach verbinden?",
    "Ich moechte mit jemandem sprechen",
    "Ja bitte, verbinden Sie mich",
    "Ich möchte persönlich mit einer Person sprechen",
    "Ist es möglich, mit einem Menschen zu sprechen? Ich möchte einen Menschen sprechen",
    "Kann ich Frau Weber oder irgendjemanden sprechen?",
    "Bitte leiten Sie mich weiter",
]

NOT_PERSON = [
    "nein, ich will nicht verbunden werden",
    "Nein, ich will nicht verbunden werden!",
    "Bitte nicht durchstellen",
    "Verbinden Sie mich nicht",
    "Ich möchte nicht mit einem Menschen sprechen",
    "Ich brauche keinen Mitarbeiter",
    "Bitte keinen Menschen, nur eine Auskunft",
    "Ohne Mitarbeiter geht es auch",
    "Ich bin Mitarbeiter bei einer Bank",
    "Ich bin Mitarbeiter",
    "Ich habe gestern mit einem Mitarbeiter gesprochen",
    "Ihr Kollege hat mich gestern angerufen",
    "Wie viele Mitarbeiter haben Sie?",
    "Können Sie dem Mitarbeiter etwas ausrichten?",
    "Kann mich jemand zurückrufen?",
    "Ich bitte um Rückruf durch einen Mitarbeiter",
    "Kann man bei Ihnen als Mitarbeiter anfangen?",
    "Was kostet das pro Person?",
    "Wann haben Sie geöffnet?",
    "Guten Tag",
    "Kein Mensch hat mich zurückgerufen",
    "Ich möchte Mitarbeiter werden",
    "",
    "?!",
]

IDENTITY = [
    "Sind Sie ein Mensch?",
    "sind sie ein mensch",
    "Sind Sie eigentlich ein echter Mensch?",
    "Bist du ein Roboter?",
    "Sind Sie eine Maschine oder ein Mensch?",
    "Spreche ich mit einem Menschen?",
    "Spreche ich hier mit einer KI?",
    "Rede ich gerade mit einem Computer?",
    "Mit wem spreche ich?",
    "Wer sind Sie?",
    "Ist das hier ein Mensch?",
    "Bin ich mit einem Menschen verbunden?",
    "Sind Sie echt?",
]

GOODBYE = [
    "Auf Wiederhören",
    "Danke, auf Wiederhören!",
    "Vielen Dank für Ihre Hilfe, auf Wiedersehen.",
    "Tschüss",
    "Okay, tschüss",
    "Das war's, danke, tschüss!",
    "Gut, dann schönen Tag noch",
    "Ich rufe morgen wieder an, tschüss",
]

NOT_GOODBYE = [
    "Servus",
    "Guten Tag",
    "Schönen guten Tag",
    "Sagen Sie ihr bitte, dass ich später komme, tschüss",
    "Auf Wiederhören hat er gesagt und dann aufgelegt, ohne mir zu antworten",
]

WITHDRAW = [
    "Ach nein, doch nicht",
    "Lassen Sie es",
    "Hat sich erledigt",
    "Brechen Sie das ab",
    "nein, nicht verbinden",
    "Ich möchte doch nicht mit einem Menschen sprechen",
    "Schon gut",
    "Nein danke",
]


@pytest.mark.parametrize("text", PERSON)
def test_everyday_wordings_lead_to_a_person(text: str) -> None:
    assert wish(text, ASK_FOR) == "person"


@pytest.mark.parametrize("text", NOT_PERSON)
def test_what_only_names_a_person_leads_to_nobody(text: str) -> None:
    assert wish(text, ASK_FOR) != "person"


@pytest.mark.parametrize("text", IDENTITY)
def test_a_question_about_who_is_speaking_is_that_and_nothing_else(text: str) -> None:
    assert wish(text, ASK_FOR) == "identity"


@pytest.mark.parametrize("text", GOODBYE)
def test_goodbye_is_understood(text: str) -> None:
    assert wish(text, ASK_FOR) == "goodbye"


@pytest.mark.parametrize("text", NOT_GOODBYE)
def test_a_greeting_or_a_message_is_no_goodbye(text: str) -> None:
    assert wish(text, ASK_FOR) != "goodbye"


@pytest.mark.parametrize("text", WITHDRAW)
def test_a_wish_can_be_withdrawn(text: str) -> None:
    assert wish(text, ASK_FOR) == "withdraw"


def test_a_declared_phrase_counts_unless_it_is_negated() -> None:
    assert wish("Ich will zur Werkstatt", ["zur Werkstatt"]) == "person"
    assert wish("Ich will nicht zur Werkstatt", ["zur Werkstatt"]) is None
    assert wish("Ich will zur Werkstatt") is None


def test_a_declared_single_word_counts_only_when_hardly_anything_else_is_said() -> None:
    assert wish("Werkstatt bitte", ["Werkstatt"]) == "person"
    assert wish("Die Werkstatt in der Hauptstraße hat mein Auto kaputt gemacht", ["Werkstatt"]) is None


def test_the_longest_declared_words_answer_a_question() -> None:
    facts = [(["offen"], "kurz"), (["am Samstag offen"], "lang")]
    assert answer_from(facts, "Haben Sie am Samstag offen?") == "lang"
    assert answer_from(facts, "Haben Sie offen?") == "kurz"


def test_a_fact_is_not_found_inside_another_word() -> None:
    assert answer_from([(["offen"], "ja")], "Hoffentlich klappt das") is None


def test_normal_leaves_words_and_the_question_mark() -> None:
    assert normal("  Das  WAR's,\tdanke! Ja? ") == "das wars danke ja?"
