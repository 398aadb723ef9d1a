"""What a caller says can neither act, nor mislead, nor flood."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callisi_runtime.notify.safe import clean


@pytest.mark.parametrize(
    "words",
    [
        "Termin am 12.05.2026 um 14.30 Uhr verschieben",
        "Bitte an anna.mueller@example.de schreiben",
        "Kosten: 1.250,50 EUR, z. B. für Öl",
    ],
)
def test_ordinary_words_stay(words: str) -> None:
    assert clean(words) == words


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("bitte https://evil.example/x?y zahlen", "bitte [Link entfernt] zahlen"),
        ("www.evil.example", "[Link entfernt]"),
        ("ｈｔｔｐs://evil.example", "[Link entfernt]"),
        ("ht\u200btps://evil.example", "[Link entfernt]"),
        ("tel:+491234", "[Link entfernt]"),
        ("evil.com/bezahlen", "evil. com/bezahlen"),
        ("x@evil.com/bezahlen", "x@evil. com/bezahlen"),
        ("eins\r\nRef FAKE\x00\x1b[31m", "eins Ref FAKE[31m"),
        ("\u202e321\u202c oben", "321 oben"),
    ],
)
def test_what_could_act_is_defused(said: str, written: str) -> None:
    assert clean(said) == written


def test_a_flood_is_cut() -> None:
    assert clean("a" * 5000, 20) == "a" * 17 + "..."


@given(st.text())
def test_nothing_invisible_survives(text: str) -> None:
    written = clean(text)
    assert len(written) <= 300
    assert not any(unicodedata.category(character)[0] == "C" for character in written)
    assert "://" not in written or not any(part for part in written.split("://")[1:] if part[:1].strip())
