"""SMS text: one encoding, and no part more than needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callisi_runtime.notify.gsm7 import measure, sanitise, shorten

GERMAN = (
    "Clara: Niemand erreichbar. Bitte Rückruf an +49 171 1234567 (12:41). "
    "Anliegen: Termin verschieben. Ref K7Q2"
)


def test_german_stays_as_it_is() -> None:
    assert (
        sanitise("Grüße aus Köln, Übermaß & Ärger: 5 € [§ 3]") == "Grüße aus Köln, Übermaß & Ärger: 5 € [§ 3]"
    )


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("„Termin“ – morgen … ‚ja‘", "\"Termin\" - morgen ... 'ja'"),
        ("«Müller» — 20\u00a0°C", '"Müller" - 20 Grad C'),
        ("Café Français, Łódź", "Café Francais, Lodz"),
        ("STRAẞE", "STRASSE"),
        ("gut 👍\u200b", "gut "),
        ("Иван", "????"),
        ("eins\r\nzwei\tdrei", "eins\nzwei drei"),
        ("u\u0308ber", "über"),
    ],
)
def test_what_the_alphabet_lacks_gets_its_plain_form(written: str, sent: str) -> None:
    assert sanitise(written) == sent


@given(st.text())
def test_every_text_becomes_gsm7_and_stays_so(text: str) -> None:
    plain = sanitise(text)
    assert measure(plain).encoding == "GSM-7"
    assert sanitise(plain) == plain


@pytest.mark.parametrize(
    ("text", "encoding", "length", "segments"),
    [
        ("", "GSM-7", 0, 0),
        (GERMAN, "GSM-7", 107, 1),
        (GERMAN.replace("Termin", "„Termin“ –"), "UCS-2", 111, 2),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        ("ш" * 70, "UCS-2", 70, 1),
        ("ш" * 71, "UCS-2", 71, 2),
        ("👍" * 35, "UCS-2", 70, 1),
        ("👍" * 67, "UCS-2", 134, 3),
    ],
)
def test_parts_are_counted_as_they_are_billed(text: str, encoding: str, length: int, segments: int) -> None:
    found = measure(text)
    assert (found.encoding, found.length, found.segments) == (encoding, length, segments)


@given(st.text(alphabet="aä€ ", max_size=900), st.integers(1, 4))
def test_a_shortened_text_fits_and_keeps_its_tail(text: str, parts: int) -> None:
    short = shorten(text, parts, " Ref K7Q2")
    assert short.endswith(" Ref K7Q2")
    assert measure(short).segments <= parts
