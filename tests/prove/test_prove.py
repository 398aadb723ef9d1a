from __future__ import annotations

import time

import pytest

from callisi_runtime.flow import FlowPlan
from callisi_runtime.flow import events as on
from callisi_runtime.prove import prove, prove_alike
from callisi_runtime.prove.happenings import Happenings
from callisi_runtime.prove.world import World, happen
from tests.prove.shapes import CLARA, LIMITED, SHAPES

LONG = {"three in order", "two at once", "asks for a message"}
EACH = [
    pytest.param(name, marks=[pytest.mark.slow, pytest.mark.timeout(900)] if name in LONG else ())
    for name in SHAPES
]


@pytest.mark.parametrize("name", EACH)
def test_no_call_of_any_shape_breaks_a_promise(name: str) -> None:
    proof = prove(SHAPES[name])
    assert proof.violations == ()
    assert proof.states > 50
    assert proof.paths > proof.states


def test_claras_calls_are_proven_in_seconds() -> None:
    before = time.process_time()
    prove(CLARA)
    assert time.process_time() - before < 10


def test_a_proof_is_one_json_document() -> None:
    plain = prove(FlowPlan()).as_dict()
    assert set(plain) == {"states", "transitions", "paths", "violations"}
    assert plain["violations"] == []


def test_where_no_limit_is_declared_money_never_runs_out() -> None:
    here = World(caller="here", greeted=True)
    assert not any(isinstance(event, on.BudgetSpent | on.DialsSpent) for event in Happenings(CLARA).of(here))
    assert on.BudgetSpent() in Happenings(LIMITED).of(here)


def test_a_model_that_failed_before_the_call_is_still_down_when_the_caller_is_there() -> None:
    assert not happen(World(able=False), on.Arrived()).able
    assert not happen(World(), on.Arrived(funds=False)).able


def test_files_that_differ_in_their_words_alone_are_told_each_in_its_own() -> None:
    texts = [{"greeting": f"Guten Tag, Praxis {name}."} for name in ("Eins", "Zwei")]
    for one, proof in zip(texts, prove_alike(FlowPlan(), texts), strict=True):
        assert proof == prove(FlowPlan(), one)
        calls = {violation.invariant: violation.call for violation in proof.violations}
        assert any(one["greeting"] in line for line in calls["ai_not_named"])
