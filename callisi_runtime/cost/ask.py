"""Asking Twilio for prices, once a day: answers are kept with their date."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callisi_runtime.cost.prices import Price
from callisi_runtime.cost.twilio_prices import NoPrice, Question
from callisi_runtime.money import Money, money

if TYPE_CHECKING:
    from twilio.rest import Client

SOURCE = "Twilio Pricing API"


class Shelf:
    """Prices that Twilio told this account, in a file.

    Args:
        folder: The cache.
        account: Its SID; prices are the account's own.
    """

    def __init__(self, folder: Path, account: str) -> None:
        digest = hashlib.sha256(account.encode()).hexdigest()[:16]
        self.path = folder / f"twilio-prices-{digest}.json"
        self._kept = self._read()

    def get(self, about: str) -> tuple[Money, date] | None:
        """The price that was told last, and when; a file that is damaged knows nothing."""
        entry = self._kept.get(about)
        try:
            return (money(entry["price"]), date.fromisoformat(entry["as_of"])) if entry else None
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, about: str, price: Money, today: date) -> None:
        """Keep a price; where it cannot be written, it is asked for again next time."""
        self._kept[about] = {"price": str(price), "as_of": today.isoformat()}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new = self.path.with_suffix(f".{os.getpid()}.new")
            new.write_text(json.dumps(self._kept, indent=1), encoding="utf-8")
            new.replace(self.path)
        except OSError:
            return

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}


def ask_prices(
    questions: Iterable[Question],
    make_client: Callable[[], Client],
    shelf: Shelf,
    today: date,
    *,
    refresh: bool = False,
) -> tuple[dict[str, Price], dict[str, str]]:
    """Item -> its price, and item -> why there is none, or why it is an old one.

    What was told today is not asked for again. When Twilio cannot be asked, the last answer counts, with its day; once
    it has let one question wait for its whole time, no other is put.
    """
    prices: dict[str, Price] = {}
    faults: dict[str, str] = {}
    client: Client | None = None
    silent = ""
    for question in questions:
        kept = shelf.get(question.about)
        if kept is not None and kept[1] == today and not refresh:
            prices[question.item] = Price(kept[0], question.per, SOURCE, kept[1])
            continue
        client = client or make_client()
        told, fault, late = (None, silent, True) if silent else _told(question, client)
        if told is not None:
            shelf.put(question.about, told, today)
            prices[question.item] = Price(told, question.per, SOURCE, today)
            continue
        faults[question.item] = fault
        silent = fault if late else ""
        if kept is not None:
            prices[question.item] = Price(kept[0], question.per, SOURCE, kept[1])
    return prices, faults


def _told(question: Question, client: Client) -> tuple[Money | None, str, bool]:
    """The price, or why there is none, and whether it took so long that nothing more should be asked."""
    from callisi_runtime.carrier.ask import NotAnswered, asked

    try:
        return asked(client, question.ask), "", False
    except NoPrice as why:
        return None, str(why), False
    except NotAnswered as error:
        unlisted = error.status == 404
        return None, "Twilio has no price list for this country" if unlisted else error.what, error.late
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, "Twilio's answer is not to be understood", False
