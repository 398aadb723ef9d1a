"""A plan, and what came of it, as text for people and as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from callisi_runtime.provision.plan import Change, Plan, Step, shown

if TYPE_CHECKING:
    from callisi_runtime.provision.apply import Applied

SIGNS: Final[Mapping[str, str]] = {
    "create": "+",
    "update": "~",
    "delete": "-",
    "unchanged": " ",
    "blocked": "!",
    "waiting": ".",
    "stopped": "!",
    "skipped": " ",
}
COLOURS: Final = {"+": "32", "~": "33", "-": "31", "!": "31", ".": "2", " ": "2"}
DONE: Final = {"create": "created", "update": "updated", "delete": "deleted"}


def plan_text(plan: Plan, *, colour: bool = False) -> str:
    """Every step with its fields, and a line that counts them."""
    lines = [line for step in plan.steps for line in step_lines(step, colour=colour)]
    return "\n".join([*lines, "", counted(plan)])


def step_lines(step: Step, *, colour: bool = False) -> Iterator[str]:
    """One step: what it is, field by field, what it costs and risks."""
    sign = SIGNS[step.action]
    head = f"{sign} {step.title}: {_headline(step)}"
    yield f"\x1b[{COLOURS[sign]}m{head}\x1b[0m" if colour else head
    for change in step.changes:
        yield f"      {_changed(step, change)}"
    for name, text in (("money", step.marks.money), ("risk", step.marks.risk)):
        if text:
            yield f"      {name}: {text}"
    if step.blocked is not None:
        for name, text in (
            ("who", step.blocked.who),
            ("where", step.blocked.where),
            ("how long", step.blocked.how_long),
            ("then", step.blocked.then),
        ):
            yield f"      {name}: {text}"
    elif step.why and step.action in ("create", "update", "unchanged"):
        yield f"      note: {step.why}"


def _headline(step: Step) -> str:
    if step.action == "blocked":
        return f"BLOCKED: {step.why}"
    if step.action == "stopped":
        return f"STOPPED: {step.why}"
    if step.action in ("waiting", "skipped"):
        return step.why or step.action
    return f"{step.action} {step.id}" if step.id and step.action != "unchanged" else step.action


def _changed(step: Step, change: Change) -> str:
    after = _value(change.after)
    return (
        f"{change.field}: {after}"
        if step.action == "create"
        else f"{change.field}: {_value(change.before)} -> {after}"
    )


def _value(value: Any) -> str:
    value = shown(value)
    if value is None or value == "":
        return "(nothing)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {one}" for key, one in value.items())
    return str(value)


def counted(plan: Plan) -> str:
    """`3 to create, 1 to update; 1 blocked`."""
    words = (
        ("create", "to create"),
        ("update", "to update"),
        ("delete", "to delete"),
        ("blocked", "blocked"),
        ("waiting", "waiting"),
        ("stopped", "stopped"),
    )
    told = [f"{len(found)} {word}" for action, word in words if (found := plan.having(action))]  # type: ignore[arg-type]
    return ", ".join(told) if told else "nothing to do: everything is as it should be"


def done_line(step: Step) -> str:
    """What was done, as it is done."""
    return f"{DONE[step.action]}  {step.title}{f' {step.id}' if step.id else ''}"


def step_document(step: Step) -> dict[str, Any]:
    """One step as `--json` prints it."""
    return {
        "resource": step.resource,
        "title": step.title,
        "action": step.action,
        "id": step.id,
        "changes": [
            {"field": one.field, "before": plain(one.before), "after": plain(one.after)}
            for one in step.changes
        ],
        "money": step.marks.money,
        "risk": step.marks.risk,
        "why": step.why,
        "blocked": None if step.blocked is None else step.blocked.as_dict(),
    }


def document(agent: str, plan: Plan, applied: Applied | None = None) -> dict[str, Any]:
    """What `--json` prints: the plan, and with `applied` what was done and what a fresh look says afterwards."""
    after = plan if applied is None else applied.after
    ok = not after.having("stopped", "blocked", "waiting") and (applied is None or applied.converged)
    return {
        "ok": ok,
        "agent": agent,
        "applied": applied is not None,
        "plan": [step_document(step) for step in plan.steps],
        "done": _documents(applied.done) if applied else [],
        "after": _documents(applied.after.steps) if applied else None,
    }


def _documents(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [step_document(step) for step in steps]


def plain(value: Any) -> Any:
    """A value as JSON has it; secrets as a word."""
    return json.loads(json.dumps(shown(value), default=str))
