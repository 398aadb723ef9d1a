"""Telephone numbers that must not be dialled, or that ring nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from callisi_runtime.checks.view import Loc, View
from callisi_runtime.errors import Problem
from callisi_runtime.phone import is_example, written
from callisi_runtime.source.positions import dotted


def check_targets(view: View) -> Iterator[Problem]:
    """An agent that dials its own number calls itself until the account is empty."""
    own = view.own_numbers()
    transfer = view.spec.transfer
    for index, target in enumerate(transfer.to if transfer else ()):
        if target.to in own:
            yield view.error(
                view.target(index),
                f"the call would come back to the agent: {written(target.to)} is {own[target.to]}",
                "own-number",
                hint="name the number of a person",
            )


def check_caller_id(view: View) -> Iterator[Problem]:
    """Carriers let only one's own numbers be shown."""
    transfer = view.spec.transfer
    if transfer is None or transfer.caller_id is None:
        return
    shown = transfer.caller_id
    if shown in {target.to for target in transfer.to}:
        yield view.error(
            ("transfer", "caller_id"),
            "the number shown is the number dialled: networks refuse such a call",
            "caller-id",
            hint="show a number of your own, or leave `caller_id` out",
        )
    elif shown not in view.own_numbers():
        yield view.warning(
            ("transfer", "caller_id"),
            "this number is not among your own, and carriers refuse to show foreign ones",
            "caller-id",
            hint="add it to `business.numbers` if it is yours",
        )


def check_sms_numbers(view: View) -> Iterator[Problem]:
    """A text message goes to a mobile telephone, and not back to its sender."""
    own = view.own_numbers()
    for loc, channel in view.channels():
        if channel.sms is None:
            continue
        to = channel.sms.to
        if to == channel.sms.sender or to in own:
            what = own.get(to, "its sender")
            yield view.error(
                (*loc, "to"),
                f"the message would reach nobody: {written(to)} is {what}",
                "own-number",
                hint="name the mobile number of a person",
            )
        elif not is_example(to) and _is_landline(to):
            yield view.warning(
                (*loc, "to"),
                "this is a landline, and few of them show text messages",
                "landline",
                hint="name a mobile number",
            )


def check_examples(view: View) -> Iterator[Problem]:
    """One warning for all numbers that belong to nobody."""
    found = [(loc, number) for loc, number in _numbers(view) if is_example(number)]
    if not found:
        return
    if len(found) == 1:
        message = f"{written(found[0][1])} is reserved for films and belongs to nobody"
    else:
        names = ", ".join(dotted(loc) for loc, _ in found)
        message = f"{len(found)} numbers are reserved for films and belong to nobody ({names})"
    yield view.warning(found[0][0], f"{message}: fine for a rehearsal, not for a line", "example-number")


def _numbers(view: View) -> Iterator[tuple[Loc, str]]:
    business, transfer = view.spec.business, view.spec.transfer
    yield ("business", "phone"), business.phone
    yield from ((("business", "numbers", index), number) for index, number in enumerate(business.numbers))
    yield from (
        (view.target(index), target.to) for index, target in enumerate(transfer.to if transfer else ())
    )
    for loc, channel in view.channels():
        if channel.kind in ("sms", "whatsapp"):
            yield (*loc, "to"), channel.settings.to  # type: ignore[union-attr]  # both have a number


def _is_landline(e164: str) -> bool:
    import phonenumbers

    return bool(phonenumbers.number_type(phonenumbers.parse(e164)) == phonenumbers.PhoneNumberType.FIXED_LINE)
