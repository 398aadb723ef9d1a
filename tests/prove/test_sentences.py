"""Texts that would lie: each is found in the file, before a caller hears it."""

from __future__ import annotations

import pytest

from callisi_runtime.flow import FlowPlan
from callisi_runtime.prove import prove
from callisi_runtime.prove.sentences import claims, faults

TWO = FlowPlan(ring_timeouts=(25,), channels=("sms", "email"))
HONEST = {
    "greeting": "Guten Tag, hier ist Clara, die KI-Assistentin von Callisi. Was kann ich für Sie tun?",
    "connecting": "Einen Moment bitte, ich stelle Sie durch ...",
    "still_ringing": "Es klingelt noch. Bitte bleiben Sie dran.",
    "no_answer": "Leider erreiche ich dort gerade niemanden.",
    "notified": "Ich habe das Team informiert; Sie werden zurückgerufen.",
    "trying": "Ich versuche noch, das Team zu erreichen.",
    "failed": "Ich kann das Team gerade nicht erreichen. Bitte rufen Sie 030 1234567 an.",
    "noted": "Das habe ich notiert.",
    "no_person": "Ich kann Sie leider nicht verbinden. Bitte rufen Sie 030 1234567 an.",
}

LIES = [
    ("failed", "Es geht niemand ran. Ich habe das Team informiert.", "claim_without_evidence"),
    ("trying", "Das Team ist bereits verständigt.", "claim_without_evidence"),
    ("no_answer", "Es geht niemand ran. Ich habe eine SMS geschickt.", "claim_without_evidence"),
    ("no_person", "Ich habe Bescheid gegeben.", "claim_without_evidence"),
    ("noted", "Ich habe es weitergegeben.", "claim_without_evidence"),
    ("closed", "Es ist niemand da, Sie werden zurückgerufen.", "claim_without_evidence"),
    ("notified", "Ich habe das Team per SMS informiert.", "wrong_channel"),
    ("greeting", "Guten Tag, hier ist Clara von Callisi.", "ai_not_named"),
    ("connecting", "Sie sind verbunden.", "promised_too_early"),
    ("still_ringing", "Gleich wird jemand abheben.", "promised_too_early"),
]


def test_honest_texts_have_no_fault() -> None:
    assert faults(TWO, HONEST) == []


@pytest.mark.parametrize(("key", "text", "invariant"), LIES)
def test_a_text_that_lies_is_found(key: str, text: str, invariant: str) -> None:
    assert (invariant, key) in [(name, where) for name, where, _ in faults(TWO, {**HONEST, key: text})]


@pytest.mark.parametrize(
    "text",
    [
        "Ich versuche, das Team zu informieren; es ist noch nicht informiert.",
        "Ich werde das Team informieren.",
        "Das Team konnte nicht benachrichtigt werden.",
        "Bisher wurde niemand verständigt.",
    ],
)
def test_a_denied_or_attempted_claim_is_none(text: str) -> None:
    assert claims(text) is None


@pytest.mark.parametrize(
    "greeting",
    [
        "Hier spricht die digitale Assistentin von Callisi.",
        "Sie sprechen mit einer künstlichen Intelligenz.",
        "Hier ist der Sprachassistent von Callisi.",
        "Hier ist Clara, die Telefonassistentin von Callisi.",
    ],
)
def test_a_greeting_may_name_the_ai_in_many_words(greeting: str) -> None:
    assert faults(TWO, {"greeting": greeting}) == []


def test_one_channel_may_be_named() -> None:
    plan = FlowPlan(channels=("sms",))
    assert faults(plan, {"notified": "Ich habe das Team per SMS informiert."}) == []


def test_the_call_in_which_the_lie_is_told_is_shown() -> None:
    lie = {"greeting": "Guten Tag, hier ist Clara von Callisi."}
    found = [one for one in prove(FlowPlan(), lie).violations if one.invariant == "ai_not_named"]
    assert any("Guten Tag, hier ist Clara von Callisi." in line for line in found[0].call)


def test_a_sentence_that_the_file_does_not_have_is_never_said() -> None:
    found = prove(FlowPlan(), {"greeting": HONEST["greeting"]}).violations
    assert "declared_sentence" in {one.invariant for one in found}
