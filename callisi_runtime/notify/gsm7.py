"""SMS text: what fits the GSM 7-bit alphabet, and how many parts a text costs.

One character outside the alphabet makes the whole message UCS-2: 70 characters per part instead of 160.
Umlauts and ß are inside; typographic quotes, dashes and the ellipsis, which language models love, are not.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""GSM 03.38, one septet each."""

EXTENDED = frozenset("€[]{}|~^\\\f")
"""Two septets each."""

REPLACEMENTS = {
    **dict.fromkeys("„“”‟«»‹›″", '"'),
    **dict.fromkeys("‚‘’‛′`´", "'"),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("•·‣◦", "-"),
    "…": "...",
    "⁄": "/",
    "×": "x",
    "°": "Grad ",
    "µ": "u",
    "μ": "u",
    "ẞ": "SS",
    "œ": "oe",
    "Œ": "OE",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "Ð": "D",
    "ı": "i",
    "þ": "th",
    "Þ": "Th",
    "\t": " ",
    "\f": " ",
    "\r": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
}

Encoding = Literal["GSM-7", "UCS-2"]


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs."""

    encoding: Encoding
    length: int
    """In septets (GSM-7) or 16-bit units (UCS-2)."""
    segments: int
    """How many parts are billed; 0 for an empty text."""


def sanitise(text: str) -> str:
    """The text in GSM-7: umlauts stay, typographic characters get their plain form, accents the alphabet
    lacks go.

    Symbols without a plain form are dropped; a letter of another script becomes `?`.
    """
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    return "".join(_plain(character) for character in composed)


def measure(text: str) -> Segments:
    """How the text is encoded as it stands, and how many parts it has."""
    if all(character in BASIC or character in EXTENDED for character in text):
        return _pack("GSM-7", [2 if character in EXTENDED else 1 for character in text], 160, 153)
    return _pack("UCS-2", [2 if ord(character) > 0xFFFF else 1 for character in text], 70, 67)


def shorten(text: str, parts: int, tail: str = "") -> str:
    """The text cut so that it and `tail` fit into `parts` parts; unchanged when they fit anyway."""
    if measure(text + tail).segments <= parts:
        return text + tail
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = measure(f"{text[:middle].rstrip()}...{tail}").segments <= parts
        low, high = (middle, high) if fits else (low, middle - 1)
    return f"{text[:low].rstrip()}...{tail}"


def _plain(character: str) -> str:
    if character in BASIC and character != "\r":
        return character
    if character in REPLACEMENTS:
        return REPLACEMENTS[character]
    if character in EXTENDED:
        return character
    if unicodedata.category(character) in ("Zs", "Zl", "Zp"):
        return " "
    decomposed = unicodedata.normalize("NFKD", character)
    if decomposed != character:
        return "".join(_plain(part) for part in decomposed if not unicodedata.combining(part))
    return "?" if unicodedata.category(character)[0] in "LN" else ""


def _pack(encoding: Encoding, widths: list[int], alone: int, joined: int) -> Segments:
    """Fills parts in order: a character of two units is never split over two parts."""
    length = sum(widths)
    if length <= alone:
        return Segments(encoding, length, 1 if length else 0)
    parts, free = 1, joined
    for width in widths:
        if width > free:
            parts, free = parts + 1, joined
        free -= width
    return Segments(encoding, length, parts)
