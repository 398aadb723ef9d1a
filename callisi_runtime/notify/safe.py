"""What a caller says may end up in a message to staff: nothing in it may act, mislead or flood."""

from __future__ import annotations

import re
import unicodedata

LIMIT = 300
"""Characters a caller's words may take."""

REMOVED = "[Link entfernt]"

_LINK = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]*://|\bwww\.|\b(?:mailto|tel|sms|javascript|data|whatsapp|intent):)\S+",
    re.IGNORECASE,
)
_BARE_DOMAIN = re.compile(r"(?<=[^\W_])\.(?=[^\W\d_]{2,}(?![^\W_]))")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+(?![\w/])")


def clean(text: str, limit: int = LIMIT) -> str:
    """The caller's words as one line of plain text, at most `limit` characters.

    Control characters, bidirectional and invisible marks are dropped, links are replaced by words, and a
    bare domain gets a space after its dot, so that no telephone turns it into a link. An e-mail address
    stays as it is.
    """
    visible = "".join(_visible(character) for character in unicodedata.normalize("NFKC", text))
    spoken = _LINK.sub(REMOVED, visible)
    return _cut(" ".join(_defuse(spoken).split()), limit)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if character in "\n\r\t" or category in ("Zs", "Zl", "Zp"):
        return " "
    return "" if category[0] == "C" else character


def _defuse(text: str) -> str:
    """Breaks bare domains everywhere but inside e-mail addresses."""
    parts, end = [], 0
    for address in _ADDRESS.finditer(text):
        parts += [_BARE_DOMAIN.sub(". ", text[end : address.start()]), address.group()]
        end = address.end()
    return "".join([*parts, _BARE_DOMAIN.sub(". ", text[end:])])


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return text[: max(0, limit - 3)].rstrip() + "..." if limit > 3 else text[:limit]
