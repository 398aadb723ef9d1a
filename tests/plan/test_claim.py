"""What the file and the environment make of the callback: names, times, and the link in the message."""

from __future__ import annotations

from callisi_runtime.ledger import Note
from callisi_runtime.notify.base import content_of
from callisi_runtime.plan import make_plan, sample_call
from callisi_runtime.settings import Settings

from ..rehearse.kit import plan_of

STAFF = "+49 171 3920011"
CHANNELS = [
    {
        "sms": {
            "to": STAFF,
            "message": "Rückruf {{ caller.phone }}{% if claim.url %} {{ claim.url }}{% endif %}",
        }
    },
    {"email": {"to": "team@example.com"}},
]


def note(**settings: str) -> Note:
    plan = plan_of(fallback={"channels": CHANNELS, "escalate_after": 15})
    return make_plan(plan.spec, Settings(**settings)).note(sample_call(), 1)  # type: ignore[arg-type]


def test_each_recipient_has_a_link_of_their_own() -> None:
    given = note(callisi_public_url="https://calls.example.org/", callisi_secret="geheim")
    sms, mail = (str(content_of(given, step)["text"]) for step in given.route)
    assert f"https://calls.example.org/r/{given.reference}/0/" in sms
    assert f"Rückruf übernehmen: https://calls.example.org/r/{given.reference}/1/" in mail


def test_without_a_public_address_there_is_none() -> None:
    assert "http" not in str(note(callisi_secret="geheim").body)


def test_the_time_to_take_it_over_goes_with_the_message() -> None:
    assert note().escalate == 900.0


def test_a_broken_call_has_words_of_its_own() -> None:
    safety = plan_of().safety_note(sample_call())
    assert safety is not None
    text = str(content_of(safety, safety.route[0])["text"])
    assert "Gespräch unterbrochen. Bitte Rückruf an" in text
    assert "nicht erreicht" not in text
    assert safety.id == "SCL_sample:0"
