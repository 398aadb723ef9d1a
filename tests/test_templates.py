from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callisi_runtime.templates import TemplateProblem, check, compile_template, render


@dataclass(frozen=True)
class Outcome:
    words: str = "niemand hat abgenommen"

    @property
    def final(self) -> bool:
        return True


SAMPLE: dict[str, object] = {
    "agent": {"name": "Clara"},
    "business": {"name": "Callisi", "phone": "+493023125000"},
    "caller": {"phone": "+4915228817386", "known": True, "name": None},
    "outcome": Outcome(),
    "transfer": {"ring_timeout": 25.0},
    "names": ["Weber", "Özdemir"],
    "now": dt.datetime(2026, 11, 23, 14, 5),
    "long": "x" * 20_000,
}

TEXTS = [
    ("{{ agent.name }}: {{ outcome.words }}", "Clara: niemand hat abgenommen"),
    ("{{ caller.phone | phone }}", "0152 28817386"),
    ("{{ business.phone | spoken }}", "null drei null, zwo drei, eins zwo, fünf null, null null"),
    ("{{ 'Weber' | spoken }}", "Weber"),
    ("{{ now | date }}, {{ now | time }}", "Montag, 23. November, 14:05 Uhr"),
    ("{{ '09:30' | time }}", "09:30 Uhr"),
    ("{{ '2026-12-24' | date }}", "Donnerstag, 24. Dezember"),
    ("{{ 25 | duration }}", "25 Sekunden"),
    ("{{ 61 | duration }}", "1 Minute und 1 Sekunde"),
    ("{{ 5400 | duration }}", "1 Stunde und 30 Minuten"),
    ("{{ 0 | duration }}", "0 Sekunden"),
    ("{{ transfer.ring_timeout }}s", "25s"),
    ("{{ 1.5 }}", "1,5"),
    ("{{ caller.known }}", "ja"),
    ("[{{ caller.name }}]", "[]"),
    ("{{ caller.name | default('unbekannt') }}", "unbekannt"),
    ("{% if caller.name %}{{ caller.name }}{% else %}jemand{% endif %}", "jemand"),
    (
        "{% for name in names %}{{ loop.index }}. {{ name }}{% if not loop.last %}, {% endif %}{% endfor %}",
        "1. Weber, 2. Özdemir",
    ),
    ("{{ names | join(' und ') }}", "Weber und Özdemir"),
    ("{% set name = agent.name ~ '!' %}{{ name | upper }}", "CLARA!"),
    ("{{ agent.name.upper() }}", "CLARA"),
    ("{{ 'da' if caller.phone in ['+4915228817386'] else 'weg' }}", "da"),
    ("{{ outcome.final }}", "ja"),
    ("{% if x is defined %}{{ x }}{% endif %}ok", "ok"),
]


@pytest.mark.parametrize(("text", "rendered"), TEXTS)
def test_a_message_is_filled_in(text: str, rendered: str) -> None:
    assert render(text, SAMPLE) == rendered


@pytest.mark.parametrize("text", [text for text, _ in TEXTS if "x is defined" not in text])
def test_a_right_template_has_no_problems(text: str) -> None:
    assert check(text, SAMPLE) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ busines.name }}", "unknown name `busines`; did you mean `business`?"),
        ("{{ caller.fone }}", "unknown name `fone`; did you mean `phone`?"),
        ("{{ outcome.word }}", "unknown name `word`; did you mean `words`?"),
        (
            "{% if caller.known %}{% else %}{{ caller.fone }}{% endif %}",
            "unknown name `fone`; did you mean `phone`?",
        ),
        ("{{ caller.phone | spokn }}", "unknown filter `spokn`; did you mean `spoken`?"),
        ("{{ names }}", "a list cannot be written out: name one of its parts"),
        ("{{ caller }}", "a group of values cannot be written out: name one of its parts"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_a_wrong_name_is_reported_with_the_near_one(text: str, message: str) -> None:
    assert check(text, SAMPLE) == [message]


def test_loops_may_stand_inside_each_other_twice() -> None:
    inner = "{% for b in names %}x{% endfor %}"
    assert render("{% for a in names %}" + inner + "{% endfor %}", SAMPLE) == "xxxx"
    thrice = "{% for c in names %}{% for a in names %}" + inner + "{% endfor %}{% endfor %}"
    assert check(thrice, SAMPLE) == ["more than 2 loops inside each other"]


def test_every_wrong_name_is_reported_at_once_with_its_line() -> None:
    text = "{{ agnt.name }}\n{{ caller.fone }}\n{{ caller.nam }}"
    found = check(text, SAMPLE)
    assert [line.split(":")[0] for line in found] == ["line 1", "line 2", "line 3"]


@pytest.mark.parametrize(
    "text", ["{{ a", "{% if a %}", "{% endfor %}", "{{ }}", "{% unknown %}", "{# never closed"]
)
def test_a_template_that_does_not_parse_is_one_problem(text: str) -> None:
    assert len(check(text, SAMPLE)) == 1


def test_an_unknown_name_is_an_error_when_rendering_and_never_an_empty_text() -> None:
    with pytest.raises(TemplateProblem, match="unknown name `nobody`") as caught:
        render("a\n{{ nobody }}", SAMPLE)
    assert caught.value.lineno == 2


def test_a_value_is_text_and_never_a_template() -> None:
    assert render("{{ said }}", {"said": "{{ 7 * 7 }}{% for %}"}) == "{{ 7 * 7 }}{% for %}"


def test_a_mappings_own_key_comes_before_a_method_of_the_same_name() -> None:
    assert render("{{ menu.items }}", {"menu": {"items": "Suppe"}}) == "Suppe"


def test_a_template_is_compiled_once() -> None:
    assert compile_template("{{ agent.name }} a") is compile_template("{{ agent.name }} a")


def test_a_rendered_text_has_a_limit() -> None:
    with pytest.raises(TemplateProblem, match="beyond 10 characters"):
        render("{{ agent.name }}{{ agent.name }}{{ agent.name }}", SAMPLE, limit_chars=10)


DOUBLED = "{% set a = 'xx' %}" + "{% set a = a OP a %}" * 200
LOOPS = "{% for a in range(100) %}{% for b in range(100) %}BODY{% endfor %}{% endfor %}"
HOSTILE = {
    "class": "{{ ''.__class__.__mro__ }}",
    "class by item": "{{ long['__class__'] }}",
    "class by joined name": "{{ long['_' ~ '_class__'] }}",
    "method as a value": "{{ long.upper.__self__ }}",
    "format": "{{ '{0.__class__}'.format(long) }}",
    "format_map": "{{ '{a.__class__}'.format_map(caller) }}",
    "percent": "{{ '%1000000000d' % 1 }}",
    "globals of range": "{{ range.__globals__ }}",
    "loop internals": "{% for a in names %}{{ loop['_iterator'] }}{% endfor %}",
    "self": "{{ self }}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}",
    "extends": "{% extends 'a' %}",
    "macro": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "recursive loop": "{% for a in names recursive %}{{ loop(names) }}{% endfor %}",
    "namespace": "{% set ns = namespace(a=1) %}",
    "lorem ipsum": "{{ lipsum(n=1000000) }}",
    "endless range": "{% for a in range(1000000000) %}{% endfor %}",
    "huge power": "{{ 9 ** 9 ** 9 }}",
    "text times number": "{{ 'x' * 1000000000 }}",
    "list times number": "{{ names * 1000000000 }}",
    "squared numbers": "{% set a = 9999999 %}" + "{% set a = a * a %}" * 200,
    "doubled by ~": DOUBLED.replace("OP", "~"),
    "doubled by +": DOUBLED.replace("OP", "+"),
    "grown by replace": "{% set a = 'xx' %}" + "{% set a = a | replace('x', a) %}" * 100,
    "doubled lists": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 200 + "{{ a }}",
    "three loops": LOOPS.replace("BODY", "{% for c in range(100) %}{% endfor %}"),
    "work in loops": LOOPS.replace("BODY", "{% set z = long | upper | lower %}" * 100),
    "comparisons in loops": LOOPS.replace("BODY", "{% if long == long %}{% endif %}" * 100),
    "many loops": LOOPS.replace("BODY", "") * 200,
    "endless output": LOOPS.replace("BODY", "{{ long }}"),
    "loop over a text": "{% for a in long %}{% endfor %}",
    "many brackets": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "many ifs": "{% if long %}" * 500 + "{% endif %}" * 500,
    "many signs": "{{ " + "-" * 5000 + "1 }}",
    "long sum": "{{ " + "1+" * 5000 + "1 }}",
    "long chain": "{{ long" + ".a" * 5000 + " }}",
    "huge number": "{{ " + "9" * 10_000 + " }}",
    "huge template": "x" * 30_000,
    "megabytes": "{{ long }}" * 200_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_template_is_an_error_within_two_seconds(text: str) -> None:
    started = time.process_time()
    assert check(text, SAMPLE)
    with pytest.raises(TemplateProblem):
        render(text, SAMPLE)
    assert time.process_time() - started < 2


def test_hostile_templates_stay_below_300_mb() -> None:
    program = (
        "import resource, sys, json; resource.setrlimit(resource.RLIMIT_AS, (300_000_000, 300_000_000));"
        "from callisi_runtime.templates import check;"
        "texts = json.load(sys.stdin); sample = {'long': 'x' * 20_000, 'names': ['a', 'b'], 'caller': {}};"
        "sys.exit(not all(check(text, sample) for text in texts))"
    )
    texts = json.dumps(list(HOSTILE.values()))
    subprocess.run([sys.executable, "-c", program], input=texts, text=True, check=True, timeout=60)


PIECES = [
    "{{ ",
    " }}",
    "{% if ",
    " %}",
    "{% endif %}",
    "{% for a in ",
    "{% endfor %}",
    "caller",
    ".phone",
    " | spoken",
]


@given(
    st.lists(
        st.sampled_from([*PIECES, "long", "'x'", " ~ ", " * ", "9", "[", "]", "(", ")", "._", "\n"]),
        max_size=15,
    )
)
def test_no_text_makes_the_check_fail(pieces: list[str]) -> None:
    text = "".join(pieces)
    problems = check(text, SAMPLE)
    if not problems:
        assert isinstance(render(text, SAMPLE), str)


@given(st.text(max_size=200))
def test_a_text_without_braces_stays_as_it_is(text: str) -> None:
    plain = "".join(char for char in text if char not in "{}#\r\n")
    assert render(plain, {}) == plain
