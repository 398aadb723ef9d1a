from __future__ import annotations

import pytest

from .helpers import problem_of, problems_of

CASES = [
    # text, place, what a person reads
    (
        "nam: clara\nname: clara",
        "1:1",
        "unknown key `nam`, allowed: name, language, opens, transfer, channels, voice,",
    ),
    ("name: clara\nring_timeout: 5", "2:1", "; `ring_timeout` belongs under `transfer`"),
    ("name: clara\nTransfer: {}", "2:1", "; did you mean `transfer`?"),
    (
        "name: clara\ntransfer:\n  rng: 5",
        "3:3",
        "unknown key `rng`, allowed: to, ring_timeout, seconds, mode, ask",
    ),
    ("language: de", "1:1", "missing key `name`; add `name:` (who it is)"),
    ("name: clara\ntransfer: {to: [{name: x}]}", "2:17", "missing key `to` in `transfer.to[0]`; add `to:`"),
    ("name: clara\ntransfer: {ring_timeout: soon}", "2:26", "expected a whole number, got 'soon'"),
    ("name: clara\ntransfer: {ring_timeout: 5.5}", "2:26", "expected a whole number, got 5.5"),
    ("name: clara\ntransfer: {ring_timeout: 500}", "2:26", "must be at most 75, got 500"),
    ("name: clara\ntransfer: {seconds: 0.1}", "2:21", "must be at least 0.5, got 0.1"),
    ("name: clara\ntransfer: {ask: perhaps}", "2:17", "expected true or false, got 'perhaps'"),
    ("name: clara\ntransfer: {mode: brigde}", "2:18", "allowed: bridge, refer; did you mean `bridge`?"),
    ("name: clara\ntransfer: {mode: refer, ask: true}", "2:1", "mode: refer cannot ask"),
    ("name: clara\ntransfer: [a]", "2:1", "expected a map of keys, got a list"),
    (
        "name: clara\ntransfer:",
        "2:10",
        "expected a map of keys, got nothing; a value is missing after the colon",
    ),
    ("name: 12", "1:7", 'expected a text, got 12; quote it: "12"'),
    ("name: [a]", "1:1", "expected a text, got a list"),
    ("name: Clara", "1:7", "is not written as it should be, got 'Clara', allowed: `^[a-z]+$`"),
    (f"name: {'a' * 30}", "1:7", "must have at most 20 characters, got 30"),
    ("name: clara\ntransfer: {to: '0301'}", "2:16", "'0301' has no country code"),
    (
        "name: clara\ntransfer: {to: custom}",
        "2:16",
        "not a telephone number, got 'custom', allowed: +49 …, +43 …; write",
    ),
    ("name: clara\ntransfer: {to: []}", "2:12", "must not be empty"),
    ("name: clara\nchannels: [{type: fax}]", "2:12", "unknown type, got 'fax', allowed: sms, mail"),
    ("name: clara\nchannels: [{to: a}]", "2:12", "missing key `type`"),
    ("name: clara\nchannels: [{type: sms, to: a, mesage: b}]", "2:31", "; did you mean `message`?"),
    ("name: clara\nvoice: {provider: a, modl: b}", "2:22", "; did you mean `model`?"),
    ("name: clara\nvoice: 5", "2:8", "expected a"),
    ("name: clara\nfrom: [a]", "2:1", "expected a text, got a list"),
    ("name: clara\nsender: a", "2:1", "unknown key `sender`"),
    (
        "name: clara\nname: anna",
        "2:1",
        "duplicate key `name`; it was first set at line 1, column 1: remove one",
    ),
    (
        "name: clara\nsay: {hello: {{ name }}}",
        "2:15",
        "a key must be a word; quote texts that begin with { or [",
    ),
]


@pytest.mark.parametrize(
    ("text", "place", "words"), CASES, ids=[text.replace("\n", " / ") for text, _, _ in CASES]
)
def test_a_mistake_is_explained(text: str, place: str, words: str) -> None:
    found = [str(problem) for problem in problems_of(text)]
    assert any(line.startswith(f"a.yaml:{place}: ") and words in line for line in found), found


@pytest.mark.parametrize(
    "text", [text for text, _, _ in CASES if "{type: sms," not in text and "modl" not in text]
)
def test_a_mistake_is_said_once(text: str) -> None:
    problems = problems_of(text)
    assert len(problems) == len({(p.line, p.column) for p in problems}) == 1


def test_every_mistake_comes_at_once_in_file_order() -> None:
    text = "nme: x\nlanguage: 3\ntransfer:\n  mode: x\n  mode: y\n  to: ${UNSET}\nopens: 12\n"
    assert [problem.line for problem in problems_of(text)] == [1, 1, 2, 4, 5, 6, 7]


def test_the_path_of_a_problem_is_the_one_in_the_file() -> None:
    text = "name: a\nchannels:\n  - {type: sms, to: a}\n  - {type: sms, to: 3}\n"
    assert problem_of(text).path == "channels[1].to"


def test_an_inherited_or_listed_value_of_a_union_is_reported_for_the_branch_that_was_meant() -> None:
    text = "name: a\nvoice: [x, {provider: p}]\n"
    problem = problem_of(text)
    assert (problem.code, problem.path) == ("missing-key", "voice[1].model")
