"""Telephone numbers: whatever a carrier or a person writes becomes E.164 here, and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

RawKind = Literal["number", "withheld", "absent", "unusable"]

_WITHHELD_WORDS = frozenset(
    {
        "anonymous",
        "anonym",
        "restricted",
        "unavailable",
        "unknown",
        "unbekannt",
        "private",
        "privat",
        "withheld",
    }
    | {
        "blocked",
        "hidden",
        "unterdrückt",
        "none",
        "null",
        "nobody",
        "n/a",
        "nocallerid",
        "noname",
        "undefined",
    }
)
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_WITHHELD_DIGITS = frozenset(
    word.translate(_KEYPAD)
    for word in ("anonymous", "restricted", "unavailable", "unknown", "private", "blocked")
)
"""The same words typed on a keypad: Twilio reports a withheld number as +266696687 (ANONYMOUS)."""

_EMERGENCY = frozenset({"110", "112", "117", "118", "122", "133", "140", "144", "911", "999"})
_PREMIUM_DE = ("900", "137", "138", "190", "118")
_WRITTEN = re.compile(r"[+＋]?[0-9 ()./\-\u2010-\u2015\u00a0\u202f]+")
_SEPARATORS = re.compile(r"[ ()./\-\u2010-\u2015\u00a0\u202f]+")
_PLAIN_GERMAN = re.compile(r"\+49(?P<network>1[567][0-9]|30|40|69|89)(?P<rest>[0-9]{5,9})")
"""Mobile networks, and the cities whose area code has two digits: split without the tables of every country."""
_SCHEME = re.compile(r"^(?:tel|sips?|callto|whatsapp):(?://)?", re.IGNORECASE)

_EXAMPLE_RANGES = (
    # Numbers that the Bundesnetzagentur keeps free for films and books: they never ring anywhere.
    ("3023125000", "3023125999"),
    ("6990009000", "6990009999"),
    ("4066969000", "4066969999"),
    ("2214710000", "2214710999"),
    ("8999998000", "8999998999"),
    ("1713920000", "1713920099"),
    ("17604069000", "17604069099"),
    *((single, single) for single in ("15228817386", "15228895456", "15254599371")),
    *((single, single) for single in ("1729925904", "1729968532", "1729973185", "1729973186", "1729980752")),
    *((single, single) for single in ("1749091317", "1749464308")),
)

_DIGITS = ("null", "eins", "zwo", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")


@dataclass(frozen=True, slots=True)
class Number:
    """A caller's number as far as it is known."""

    e164: str | None
    """`+4915123456789`, or None when there is no number to call back."""
    raw_kind: RawKind
    """`number`; `withheld` by the caller or the carrier; `absent`; `unusable`: an extension, a SIP name."""

    @property
    def hidden(self) -> bool:
        """True when there is no number to call back, for whatever reason."""
        return self.e164 is None


def normalise(raw: str | None, *, region: str = "DE") -> Number:
    """Read a caller's number as a carrier wrote it: `+49…`, `0049…`, `sip:+49…@host`, `Restricted`, nothing.

    Never raises: what is no number is a `Number` without `e164`. `region` (ISO 3166): where national numbers
    belong.
    """
    text = _bare(raw or "")
    if not text:
        return Number(None, "absent")
    if _is_withheld(text):
        return Number(None, "withheld")
    e164 = _from_carrier(text, region) if _WRITTEN.fullmatch(text) else None
    return Number(e164, "number") if e164 else Number(None, "unusable")


def parse_declared(text: str, region: str = "DE") -> str:
    """The E.164 form of a number that a person declared in YAML.

    Raises ValueError, with a sentence that helps, for what is no number or must not be dialled by a machine.
    """
    bare = _bare(text)
    if not _WRITTEN.fullmatch(bare):
        raise ValueError(f"{text!r} is not a telephone number; write it as +49 30 1234567")
    _refuse_short(bare)
    digits = _SEPARATORS.sub("", bare)
    if is_example(
        digits
    ):  # needs no table of every country, and loading them takes longer than a file's check
        return digits
    number = _parsed(bare, region)
    if number is None:
        raise ValueError(f"{text!r} is not a telephone number; write it with its country code: +49 ...")
    e164 = f"+{number.country_code}{_national(number)}"
    if is_example(e164):
        return e164
    _refuse_premium(number, text)
    _refuse_impossible(number, text)
    return e164


def is_example(e164: str) -> bool:
    """Whether the Bundesnetzagentur reserves the number for fiction: it belongs to nobody."""
    if not e164.startswith("+49"):
        return False
    national = e164[3:]
    return any(len(national) == len(low) and low <= national <= high for low, high in _EXAMPLE_RANGES)


def masked(e164: str | None) -> str:
    """The number as a log may show it: `+49151•••89`, or `hidden`."""
    if not e164:
        return "hidden"
    if len(e164) < 10:
        return f"{e164[:3]}•••"
    return f"{e164[:6]}•••{e164[-2:]}"


def written(e164: str, region: str = "DE") -> str:
    """The number as people in `region` write it: `0151 23456789`, or `+43 1 234567` from abroad."""
    return " ".join(_parts(e164, region))


def spoken(e164: str, region: str = "DE") -> str:
    """The number as a German reads it out: `null drei null, zwo drei, eins zwo, fünf null, null null`."""
    prefix, *rest = _parts(e164, region)
    groups = [prefix, *_pairs(re.sub(r"\D", "", "".join(rest)))]
    return ", ".join(_say(group) for group in groups if group)


def _bare(raw: str) -> str:
    """The user part of whatever wraps it: display name, scheme, host, parameters."""
    text = unquote(raw).strip()
    if match := re.search(r"<([^<>]*)>", text):
        text = match[1]
    text = _SCHEME.sub("", text.strip())
    context = re.search(r";phone-context=(\+[0-9]+)", text, re.IGNORECASE)
    text = text.split(";")[0].split("?")[0].split("@")[0].strip().strip("\"'")
    if context and not text.startswith("+"):
        text = context[1] + text
    return text.replace("＋", "+")


def _is_withheld(text: str) -> bool:
    word = text.casefold().strip("<>\"' .")
    if word in _WITHHELD_WORDS or re.sub(r"[\s_-]", "", word) in _WITHHELD_WORDS:
        return True
    digits = _SEPARATORS.sub("", text).lstrip("+")
    return digits in _WITHHELD_DIGITS or (digits.isdigit() and not digits.strip("0"))


def _from_carrier(text: str, region: str) -> str | None:
    digits = _SEPARATORS.sub("", text)
    if is_example(digits):
        return digits
    number = _parsed(text, region)
    if number is not None and not digits.startswith(("+", "0")):
        number = _without_plus(digits)
    if number is None:
        return None
    e164 = f"+{number.country_code}{_national(number)}"
    return e164 if 8 <= len(e164) <= 16 else None


def _without_plus(digits: str) -> PhoneNumber | None:
    """`49301234567`: some carriers leave the plus away. Anything shorter is a switchboard's extension."""
    import phonenumbers

    number = _parsed("+" + digits, None) if len(digits) >= 10 else None
    return number if number is not None and phonenumbers.is_valid_number(number) else None


@lru_cache(maxsize=1024)
def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    import phonenumbers

    if text.startswith("00"):
        text = "+" + text[2:]
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _national(number: PhoneNumber) -> str:
    import phonenumbers

    return str(phonenumbers.national_significant_number(number))


def _refuse_short(bare: str) -> None:
    digits = _SEPARATORS.sub("", bare)
    short = re.sub(r"^(\+|00)(49|43|41)", "", digits)
    if digits in _EMERGENCY or short in _EMERGENCY:
        raise ValueError(
            f"{short} is an emergency number, which no machine may dial; give a number of your own"
        )
    if len(digits) < 7:
        raise ValueError(f"{bare!r} is too short for a telephone number; write it as +49 30 1234567")


def _refuse_premium(number: PhoneNumber, text: str) -> None:
    import phonenumbers

    german = number.country_code == 49 and _national(number).startswith(_PREMIUM_DE)
    if german or phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.PREMIUM_RATE:
        raise ValueError(f"{text!r} is a premium rate number: every call costs money; give an ordinary one")


def _refuse_impossible(number: PhoneNumber, text: str) -> None:
    import phonenumbers

    if phonenumbers.is_valid_number(number):
        return
    reason = phonenumbers.is_possible_number_with_reason(number)
    words = {
        phonenumbers.ValidationResult.TOO_SHORT: "it is too short",
        phonenumbers.ValidationResult.TOO_LONG: "it is too long",
        phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: f"nobody has +{number.country_code}",
    }.get(reason, "a digit is missing, or there is one too many")
    raise ValueError(f"{text!r} is not a telephone number: {words}")


def _parts(e164: str, region: str) -> list[str]:
    """Area code or network first, then the rest, as written in `region`."""
    if region == "DE" and (match := _PLAIN_GERMAN.fullmatch(e164)):
        return [f"0{match['network']}", match["rest"]]
    import phonenumbers

    number = _parsed(e164, None)
    if number is None:
        return [e164]
    if phonenumbers.country_code_for_region(region) != number.country_code:
        form = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    else:
        form = phonenumbers.PhoneNumberFormat.NATIONAL
    return str(phonenumbers.format_number(number, form)).split(" ")


def _pairs(digits: str) -> list[str]:
    """Digits two by two; an odd one joins the last group, so that none stands alone."""
    groups = [digits[at : at + 2] for at in range(0, len(digits), 2)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        last = groups.pop()
        groups[-1] += last
    return groups


def _say(group: str) -> str:
    return " ".join("plus" if char == "+" else _DIGITS[int(char)] for char in group if char in "+0123456789")
