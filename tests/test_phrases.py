from __future__ import annotations

import time

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
    "Hallo, ich hätte gerne mal mit jemandem aus dem Büro gesprochen.",
    "Kann ich da bitte mal einen von Ihren Leuten haben?",
    "Ich würde gern mit einer Kollegin sprechen.",
    "Könnten Sie mich mit der Zentrale verbinden?",
    "Ist da vielleicht jemand, mit dem ich reden kann?",
    "Ist jemand da, mit dem ich sprechen kann?",
    "Ich möchte jemanden sprechen, der sich auskennt.",
    "Ich muss dringend mit jemandem sprechen.",
    "Ich müsste mal kurz mit dem Chef sprechen.",
    "Könnte ich den Chef haben?",
    "Kann ich den Geschäftsführer sprechen?",
    "Ich hätte gern den Herrn Meier gesprochen, oder sonst einen Mitarbeiter.",
    "Geben Sie mir einen Menschen.",
    "Gib mir einen Menschen!",
    "Bitte mit einem echten Menschen verbinden.",
    "Verbinde mich bitte mit einem Mitarbeiter.",
    "Verbinden Sie mich einfach mit irgendwem.",
    "Können wir das überspringen, ich will einen Mitarbeiter.",
    "Nee, ich will mit 'nem Menschen reden.",
    "Ich red nicht mit Maschinen, ich will einen Menschen.",
    "Ich möchte nicht mit einem Computer reden, verbinden Sie mich.",
    "Bitte stellen Sie mich zu einem Mitarbeiter durch.",
    "Stellen Sie mich mal durch bitte.",
    "Kannst du mich durchstellen?",
    "Können Sie mich weiterverbinden?",
    "Würden Sie mich bitte weiterverbinden?",
    "Weiterverbinden bitte.",
    "Bitte weiterleiten an einen Mitarbeiter.",
    "Ich möchte durchgestellt werden.",
    "Ich möchte bitte weitergeleitet werden.",
    "Ich will sofort jemanden sprechen!",
    "Holen Sie mir bitte den Chef ans Telefon.",
    "Hol mir mal jemanden an den Apparat.",
    "Kann mal jemand ans Telefon kommen?",
    "Kann bitte ein Mensch ans Telefon kommen?",
    "Ich brauche jemanden, der mir persönlich hilft.",
    "Ich brauche bitte einen Ansprechpartner.",
    "Ich suche einen Ansprechpartner.",
    "Wer ist denn bei Ihnen zuständig? Ich möchte den Sachbearbeiter sprechen.",
    "Den Kundendienst bitte.",
    "Kundenservice bitte!",
    "Zum Kundenservice bitte.",
    "Mit dem Sekretariat bitte.",
    "Einmal das Sekretariat, bitte.",
    "Den Empfang bitte.",
    "Mensch bitte",
    "Ja, einen Mitarbeiter bitte.",
    "Äh, einen Menschen, bitte.",
    "Also gut, dann verbinden Sie mich.",
    "Dann verbinden Sie mich halt mit jemandem.",
    "Das bringt so nichts, ich möchte mit einem Menschen sprechen.",
    "Sie verstehen mich nicht. Geben Sie mir bitte einen Mitarbeiter.",
    "Kann ich bitte mit einer echten Person telefonieren?",
    "Darf ich mit einem Berater sprechen?",
    "Dürfte ich mal mit Ihrem Vorgesetzten sprechen?",
    "Ich will mit Ihrem Vorgesetzten sprechen.",
    "Ich wollte eigentlich mit einem Mitarbeiter sprechen.",
    "Ich wollte jemanden persönlich sprechen.",
    "Ich bräuchte mal jemanden vom Team.",
    "Ich bräuchte einen Mitarbeiter am Telefon.",
    "Lassen Sie mich mit einem Menschen sprechen.",
    "Lassen Sie mich bitte mit jemandem reden.",
    "Wäre es möglich, mit einem Mitarbeiter zu sprechen?",
    "Besteht die Möglichkeit, mit jemandem zu sprechen?",
    "Hätten Sie jemanden, mit dem ich sprechen könnte?",
    "Haben Sie auch echte Mitarbeiter, mit denen ich reden kann?",
    "Ich verlange, mit einem Menschen zu sprechen.",
    "Ich bestehe darauf, mit einem Menschen zu sprechen.",
    "Kann ich direkt mit der Praxis sprechen, mit einem Mitarbeiter?",
    "Ich würde das lieber mit einem Menschen besprechen.",
    "Das möchte ich lieber mit einem Mitarbeiter klären.",
    "Ich möchte das mit jemandem persönlich besprechen.",
    "Guten Tag, ich würde gern jemanden aus der Buchhaltung sprechen, einen Mitarbeiter.",
    "Könnten Sie mich eventuell mit einem Kollegen verbinden?",
    "Kann ich jetzt endlich mal mit einem Menschen sprechen?",
    "Ich hätte da gern mal jemanden gesprochen.",
    "Ich muss unbedingt mit einem Verantwortlichen, also einem Mitarbeiter, sprechen.",
    "Kann mir da bitte ein Kollege helfen?",
    "Holen Sie bitte jemanden ans Telefon.",
    "Ich warte schon lange, verbinden Sie mich endlich.",
    "Ist bei Ihnen jemand, mit dem ich reden könnte?",
    "Gibt es jemanden, mit dem ich sprechen kann?",
    "Eine Mitarbeiterin bitte.",
    "Dann geben Sie mir halt einen Mitarbeiter.",
    "Zur Zentrale bitte.",
    "Ja gerne, stellen Sie mich durch.",
    "Ich wünsche einen persönlichen Ansprechpartner.",
    "Kannst du mich mit jemandem verbinden?",
    "Ich komme mit der KI nicht klar, ich will einen Menschen.",
    "Mensch, verbinden Sie mich endlich!",
    "Nein, nicht Sie, ich möchte einen Menschen sprechen.",
    "Würden Sie mir bitte einen Kollegen geben?",
    "Kann ich einen Kollegen sprechen?",
    "Ich möchte meinen Sachbearbeiter sprechen.",
    "Können Sie mich bitte mit meinem Berater verbinden?",
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
    "Sind Sie ein Mensch?",
    "Spreche ich mit einem Menschen oder mit einem Computer?",
    "Bist du ein echter Mensch?",
    "Bin ich da mit einem Menschen verbunden?",
    "Nein, ich will nicht verbunden werden.",
    "Nein danke, verbinden müssen Sie mich nicht.",
    "Bitte verbinden Sie mich nicht weiter.",
    "Ich brauche niemanden zu sprechen, nur die Öffnungszeiten.",
    "Sie brauchen mich nicht durchzustellen.",
    "Ich muss mit niemandem sprechen.",
    "Ich will gar keinen Menschen sprechen.",
    "Mit einem Menschen muss ich nicht reden.",
    "Ich möchte nur wissen, wann Sie geöffnet haben.",
    "Wie viele Mitarbeiter haben Sie denn?",
    "Wie viele Menschen arbeiten bei Ihnen?",
    "Ihre Mitarbeiterin war sehr nett.",
    "Ein Mitarbeiter hat mir gestern gesagt, das geht.",
    "Der Mitarbeiter hat mich gestern zurückgerufen.",
    "Ich habe gestern schon mit einem Mitarbeiter gesprochen.",
    "Ich hatte letzte Woche mit Frau Müller gesprochen.",
    "Ich bin selbst Mitarbeiter bei der Firma Schmidt.",
    "Ich bin Mitarbeiterin der Stadtwerke.",
    "Ich suche Arbeit als Mitarbeiter im Lager.",
    "Suchen Sie noch Mitarbeiter?",
    "Stellen Sie noch Personal ein?",
    "Ich möchte mich als Mitarbeiter bewerben.",
    "Ich möchte einen Termin für zwei Personen.",
    "Einen Tisch für vier Personen bitte.",
    "Ich möchte einen Tisch für sechs Menschen reservieren.",
    "Für wie viele Personen ist das Zimmer?",
    "Sagen Sie Ihrem Chef einen schönen Gruß.",
    "Richten Sie Ihrem Chef bitte aus, dass ich angerufen habe.",
    "Können Sie Ihrem Kollegen etwas ausrichten?",
    "Ihr Kollege soll mich bitte zurückrufen.",
    "Ich bitte um einen Rückruf von einem Mitarbeiter.",
    "Ich möchte eine Nachricht für den Chef hinterlassen.",
    "Ich möchte sprechen üben.",
    "Sprechen Sie Englisch?",
    "Sprechen Sie bitte etwas lauter.",
    "Können Sie bitte langsamer sprechen?",
    "Ich kann gerade nicht gut sprechen.",
    "Mit wem spreche ich?",
    "Wer spricht da?",
    "Ich wollte nur Bescheid sagen, dass ich später komme.",
    "Mein Mann kann nicht kommen.",
    "Mensch, das ist ja toll!",
    "Mensch, Sie sind aber schnell.",
    "Oh Mensch, das habe ich vergessen.",
    "Ach Mensch, das tut mir leid.",
    "Das ist ja menschlich.",
    "Was macht eigentlich ein Sachbearbeiter bei Ihnen?",
    "Ist der Empfang barrierefrei?",
    "Der Empfang ist hier schlecht.",
    "Ich habe hier schlechten Empfang.",
    "Wo ist der Empfang?",
    "Mein Personalausweis ist abgelaufen.",
    "Ich brauche einen neuen Personalausweis.",
    "Haben Sie auch eine Zentrale in München?",
    "Wo sitzt Ihre Zentrale?",
    "Ich möchte meine Bestellung stornieren.",
    "Ich möchte die Rechnung an meinen Chef weiterleiten.",
    "Können Sie die Rechnung an meinen Chef weiterleiten?",
    "Ist das Paket schon weitergeleitet worden?",
    "Ich möchte den Vertrag auf eine andere Person übertragen.",
    "Kann eine andere Person das Paket abholen?",
    "Kann ein Kollege von mir das abholen?",
    "Kann ich einen Kollegen mitbringen?",
    "Ich möchte jemanden anmelden.",
    "Ich möchte jemandem eine Freude machen.",
    "Hallo, ist da jemand?",
    "Es ist niemand ans Telefon gegangen.",
    "Bei der Zentrale habe ich es schon versucht.",
    "Verbinden Sie damit auch Kosten?",
    "Womit ist das verbunden?",
    "Das ist doch mit Kosten verbunden.",
    "Ich habe ein Problem mit meinem Mitarbeiter.",
    "Mein Sohn möchte Kundenberater werden.",
    "Ich habe mit einem Kollegen von Ihnen einen Termin ausgemacht.",
    "Mein Kollege hat mir Ihre Nummer gegeben.",
    "Ich rufe für meinen Chef an.",
    "Ich spreche für meine Mutter, sie ist krank.",
    "Können Sie mir sagen, ob ein Mitarbeiter morgen vorbeikommt?",
    "Wann kommt der Mitarbeiter?",
    "Der Kundendienst war gestern da und hat das Fenster vergessen.",
    "Wann ist das Sekretariat besetzt?",
    "Ich brauche keinen Rückruf.",
    "Ich möchte nicht weitergeleitet werden.",
    "Bitte leiten Sie mich nicht weiter.",
    "Nein, stellen Sie mich bitte nicht durch.",
    "Können Sie mir die Adresse durchgeben?",
    "Das muss ich erst mit meiner Frau besprechen.",
    "Das muss ich erst mit jemandem besprechen.",
    "Danke, das reicht mir schon.",
    "Ich bin froh, dass hier überhaupt jemand drangeht.",
    "Kann jemand morgen bei mir vorbeikommen?",
    "Es hat sich niemand gemeldet.",
    "Wieso spricht hier ein Computer mit mir?",
    "Warum ist da kein Mensch am Telefon?",
    "Ich bin Ansprechpartner für das Gebäude.",
    "Ich gebe Ihnen meinen Mann.",
    "Ich möchte einen Kurs für junge Menschen buchen.",
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


def test_endless_talk_costs_no_time() -> None:
    begin = time.process_time()
    for words in ("ich möchte ", "hätte ", "möchte mit einem ", "kann ich der "):
        assert wish(words * 20_000, ASK_FOR) != "person"
    assert time.process_time() - begin < 1


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
