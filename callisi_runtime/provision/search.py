"""Numbers that can be bought, and what they cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from callisi_runtime.errors import CallisiError, UsageError

if TYPE_CHECKING:
    from callisi_runtime.provision.twilio_desk import TwilioDesk
    from callisi_runtime.provision.world import World

TYPES: Final = {"local": "local", "mobile": "mobile", "national": "national", "toll-free": "toll_free"}
"""Type of number -> how the library calls it."""

UNKNOWN_RENT: Final = "a monthly rent, which Twilio's price list does not tell"


@dataclass(frozen=True, slots=True)
class Offer:
    """A number that can be bought now."""

    number: str
    type: str
    voice: bool
    sms: bool
    locality: str | None
    address: str
    """Whether an address is asked for: `none`, `any`, `local`, `foreign`."""

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


async def offers(
    twilio: TwilioDesk,
    country: str,
    number_type: str,
    *,
    sms: bool = False,
    contains: str | None = None,
    limit: int = 20,
) -> list[Offer]:
    """Numbers that take calls, as Twilio lists them.

    Raises:
        UsageError: There is no such type.
        CallisiError: Twilio refuses; a country without that type is an empty list.
    """
    if number_type not in TYPES:
        raise UsageError(f"there is no type of number `{number_type}`; allowed: {', '.join(TYPES)}")
    wanted: dict[str, Any] = {"voice_enabled": True, "limit": limit}
    if sms:
        wanted["sms_enabled"] = True
    if contains:
        wanted["contains"] = contains
    try:
        found = await twilio.read(
            lambda c: getattr(c.available_phone_numbers(country), TYPES[number_type]).list(**wanted),
            f"the {number_type} numbers of {country}",
        )
    except CallisiError as error:
        if any(problem.code == "twilio-404" for problem in error.problems):
            return []  # so Twilio says that a country has no numbers of this type
        raise
    return [_offer(one, number_type) for one in found]


def _offer(number: Any, number_type: str) -> Offer:
    has = {name.lower(): value for name, value in (number.capabilities or {}).items()}
    return Offer(
        number.phone_number,
        number_type,
        bool(has.get("voice")),
        bool(has.get("sms")),
        number.locality,
        number.address_requirements or "none",
    )


async def rent(world: World, country: str, number_type: str) -> str:
    """What such a number costs: `1.15 USD a month`; that Twilio's price list does not say it, when it does not."""
    try:
        told = await world.twilio.read(
            lambda c: c.pricing.v1.phone_numbers.countries(country).fetch(), "the price of numbers"
        )
    except CallisiError:
        return UNKNOWN_RENT
    for price in told.phone_number_prices or []:
        kind = str(price.get("number_type") or price.get("type") or "").replace(" ", "-")
        if kind == number_type and price.get("current_price"):
            return f"{price['current_price']} {str(told.price_unit).upper()} a month"
    return UNKNOWN_RENT
