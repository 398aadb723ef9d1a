"""What a carrier's emergency route does, read from its TwiML: it must ring somebody, and not end in silence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from callisi_runtime.doctor.result import Result, ok, problem, warning

if TYPE_CHECKING:
    from collections.abc import Collection
    from xml.etree.ElementTree import Element

SPEAKS: Final = {"Say", "Play", "Record"}
MEND: Final = "host what `callisi provision AGENT --twiml` prints"


def judged(text: str, targets: Collection[str]) -> Result:
    """Whether a caller is served by it.

    Args:
        text: The TwiML.
        targets: The people whom the agent dials (E.164).
    """
    root = parsed(text)
    if root is None or root.tag != "Response":
        return problem("the disaster recovery URL does not answer with TwiML", MEND)
    verbs = [one.tag for one in root]
    if "Dial" not in verbs:
        return problem("the disaster recovery URL rings nobody", MEND)
    after = verbs[verbs.index("Dial") + 1 :]
    if not SPEAKS & set(after):
        what = "when nobody picks up, the disaster recovery URL leaves the caller in silence"
        return warning(what, "let a Say or a Record follow its Dial")
    if targets and not dialled(root) & set(targets):
        what = "the disaster recovery URL rings a number that the agent does not dial"
        return warning(what, "make it one of transfer.to")
    if "Record" in after and (wrong := _recording(root, after)) is not None:
        return wrong
    then = "records" if "Record" in after else "speaks"
    return ok(f"the disaster recovery URL rings somebody, and {then} when nobody picks up")


def _recording(root: Element, after: list[str]) -> Result | None:
    """What is wrong with how a message is taken; None when nothing is."""
    if not {"Say", "Play"} & set(after[: after.index("Record")]):
        what = "the disaster recovery URL records callers who were not told, in Germany a crime (§ 201 StGB)"
        return problem(what, "let a Say between Dial and Record tell them, as `--twiml record` does")
    if not all(one.get("action") for one in root.iter("Record")):
        what = "the disaster recovery URL begins anew after each message: its Record has no action"
        return warning(what, "host what `callisi provision AGENT --twiml record` prints")
    return None


def parsed(text: str) -> Element | None:
    """The document; None when it is none, or declares entities, which no TwiML needs."""
    if "<!" in re.sub(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>", "", text, flags=re.DOTALL):
        return None
    try:
        return ElementTree.fromstring(text.strip())
    except ElementTree.ParseError:
        return None


def dialled(root: Element) -> set[str]:
    """The numbers that are rung, in E.164."""
    from callisi_runtime.phone import normalise

    texts = [
        text for dial in root.iter("Dial") for text in (dial.text, *(one.text for one in dial.iter("Number")))
    ]
    return {e164 for text in texts if text and (e164 := normalise(text.strip()).e164)}
