from __future__ import annotations

import re
import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callisi_runtime import phone

CARRIERS = [
    ("+4915223456789", "+4915223456789"),
    ("004915223456789", "+4915223456789"),
    ("0152 23456789", "+4915223456789"),
    ("0152/234567-89", "+4915223456789"),
    ("tel:+49-30-1234567", "+49301234567"),
    ("sip:+49301234567@10.0.0.1:5060;user=phone", "+49301234567"),
    ('"Weber" <sip:+49301234567@host>;tag=1', "+49301234567"),
    ("+4930111;cpc=ordinary", "+4930111"),
    ("%2B49301234567", "+49301234567"),
    ("49301234567", "+49301234567"),
    ("+49 (0)30 1234567", "+49301234567"),
    ("tel:1234567;phone-context=+4930", "+49301234567"),
    ("+43 1 2345678", "+4312345678"),
    ("whatsapp:+4915223456789", "+4915223456789"),
]
WITHHELD = [
    *("anonymous", "Anonymous", "Restricted", "unavailable", "unknown", "private", "No Caller ID"),
    *("sip:anonymous@anonymous.invalid", "+266696687", "+7378742833", "+86282452253", "0", "00000000"),
]
UNUSABLE = [
    "12",
    "alice",
    "sip:alice@example.org",
    "110",
    "+49110",
    "+",
    "1234567",
    "+49301234567890123456",
    "\x00",
    "🙂",
]


@pytest.mark.parametrize(("raw", "e164"), CARRIERS)
def test_whatever_a_carrier_writes_becomes_e164(raw: str, e164: str) -> None:
    assert phone.normalise(raw) == phone.Number(e164, "number")


@pytest.mark.parametrize("raw", WITHHELD)
def test_a_withheld_number_is_hidden(raw: str) -> None:
    number = phone.normalise(raw)
    assert (number.hidden, number.raw_kind) == (True, "withheld")


@pytest.mark.parametrize("raw", [None, "", "  ", "sip:"])
def test_no_number_at_all_is_absent(raw: str | None) -> None:
    assert phone.normalise(raw) == phone.Number(None, "absent")


@pytest.mark.parametrize("raw", UNUSABLE)
def test_what_cannot_be_called_back_is_hidden_too(raw: str) -> None:
    number = phone.normalise(raw)
    assert (number.hidden, number.raw_kind) == (True, "unusable")


@given(st.text(max_size=60) | st.from_regex(r"(sip:|tel:|\+|00)?[0-9 ()/-]{0,20}(@h)?", fullmatch=True))
def test_no_carrier_can_make_it_fail(raw: str) -> None:
    number = phone.normalise(raw)
    assert number.e164 is None or re.fullmatch(r"\+[1-9][0-9]{6,14}", number.e164)


@given(st.from_regex(r"\+49(30|40|89|69|221)[1-9][0-9]{6}", fullmatch=True))
def test_every_way_of_writing_a_number_leads_back_to_it(e164: str) -> None:
    forms = [e164, "00" + e164[1:], "0" + e164[3:], f"sip:{e164}@carrier.example", phone.written(e164)]
    assert {phone.normalise(form).e164 for form in forms} == {e164}


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("030 1234567", "+49301234567"),
        ("+49 (0)30 / 1234567", "+49301234567"),
        ("+43 1 2345678", "+4312345678"),
    ],
)
def test_a_declared_number_is_kept_as_e164(text: str, e164: str) -> None:
    assert phone.parse_declared(text) == e164


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("110", "emergency number"),
        ("+49112", "emergency number"),
        ("0049 110", "emergency number"),
        ("0900 1234567", "premium rate"),
        ("+49 137 1234567", "premium rate"),
        ("0151 12", "too short"),
        ("+49 30 12345678901234", "not a telephone number"),
        ("+49 30 1", "too short"),
        ("0151 2345678", "a digit is missing"),
        ("hello", "write it as"),
        ("", "write it as"),
        ("030 1234567 or 040 1234567", "write it as"),
        ("+999 1234567", "country code"),
        ("${DEFAULT_FORWARD_NUMBER}", "write it as"),
    ],
)
def test_a_declared_number_that_is_none_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        phone.parse_declared(text)


EXAMPLES = [
    *("030 23125000", "030 23125999", "069 90009000", "040 66969999", "0221 4710000", "089 99998999"),
    *("0152 28817386", "0152 28895456", "0152 54599371", "0172 9925904", "0172 9968532", "0172 9973185"),
    *("0172 9973186", "0172 9980752", "0174 9091317", "0174 9464308", "0171 3920099", "0176 04069000"),
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_numbers_reserved_for_fiction_are_valid_and_known_as_examples(text: str) -> None:
    assert phone.is_example(phone.parse_declared(text))


@pytest.mark.parametrize(
    "e164", ["+493023126000", "+491713920100", "+4915228817387", "+4312345678", "+4930231250001"]
)
def test_their_neighbours_are_no_examples(e164: str) -> None:
    assert not phone.is_example(e164)


def test_a_masked_number_keeps_the_network_and_two_digits() -> None:
    assert phone.masked("+4915123456767") == "+49151•••67"


def test_a_short_or_missing_number_is_masked_whole() -> None:
    assert (phone.masked("+4930111"), phone.masked(None)) == ("+49•••", "hidden")


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_masked_number_never_shows_more_than_seven_digits(e164: str) -> None:
    assert len(re.findall(r"\d", phone.masked(e164))) <= 7


@pytest.mark.parametrize(
    ("e164", "text"),
    [
        ("+4915228817386", "0152 28817386"),
        ("+493023125000", "030 23125000"),
        ("+4312345678", "+43 1 2345678"),
    ],
)
def test_a_number_is_written_as_people_at_home_write_it(e164: str, text: str) -> None:
    assert phone.written(e164) == text


def test_a_number_is_read_out_in_groups() -> None:
    assert phone.spoken("+493023125000") == "null drei null, zwo drei, eins zwo, fünf null, null null"


def test_an_odd_digit_joins_the_last_group() -> None:
    assert phone.spoken("+49301234567") == "null drei null, eins zwo, drei vier, fünf sechs sieben"


def test_a_foreign_number_is_read_out_with_its_country_code() -> None:
    assert phone.spoken("+4312345678").startswith("plus vier drei, ")


@pytest.mark.parametrize("network", ["30", "40", "69", "89"])
def test_plain_german_numbers_are_written_as_the_library_writes_them(network: str) -> None:
    for rest in ("20405", "123456", "2312511", "23125111"):
        e164 = f"+49{network}{rest}"
        theirs = phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.NATIONAL)
        assert phone.written(e164) == theirs


def test_the_numbers_of_fiction_need_no_tables() -> None:
    code = (
        "import sys\nfrom callisi_runtime.phone import normalise, parse_declared, written\n"
        "print(parse_declared('030 23125111'.replace('0', '+49 ', 1)), written('+4915228817386'), "
        "normalise('+4915228817386').e164, 'phonenumbers' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "+493023125111 0152 28817386 +4915228817386 False"
