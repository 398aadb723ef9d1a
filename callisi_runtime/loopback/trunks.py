"""Trunks and dispatch rules: what LiveKit's SIP service keeps, and what it refuses to keep."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from google.protobuf.message import Message
from livekit.protocol import sip as pb

from callisi_runtime.loopback.rooms import new_id
from callisi_runtime.loopback.twirp import TwirpError

T = TypeVar("T", bound=Message)

NO_TRUNK: Final = "requested sip trunk does not exist"
NO_RULE: Final = "requested sip dispatch rule does not exist"


class Trunks:
    """The provisioned objects of one project, by their ids."""

    def __init__(self) -> None:
        self.inbound: dict[str, pb.SIPInboundTrunkInfo] = {}
        self.outbound: dict[str, pb.SIPOutboundTrunkInfo] = {}
        self.rules: dict[str, pb.SIPDispatchRuleInfo] = {}

    # Inbound trunks.

    def create_inbound(self, request: pb.CreateSIPInboundTrunkRequest) -> pb.SIPInboundTrunkInfo:
        """CreateSIPInboundTrunk."""
        self._fit_inbound(request.trunk)
        request.trunk.sip_trunk_id = new_id("ST")
        self.inbound[request.trunk.sip_trunk_id] = request.trunk
        return request.trunk

    def update_inbound(self, request: pb.UpdateSIPInboundTrunkRequest) -> pb.SIPInboundTrunkInfo:
        """UpdateSIPInboundTrunk."""
        trunk = _changed(_found(self.inbound, request.sip_trunk_id, NO_TRUNK), request)
        trunk.sip_trunk_id = request.sip_trunk_id
        self._fit_inbound(trunk)
        self.inbound[request.sip_trunk_id] = trunk
        return trunk

    def list_inbound(self, request: pb.ListSIPInboundTrunkRequest) -> pb.ListSIPInboundTrunkResponse:
        """ListSIPInboundTrunk."""
        found = _listed(self.inbound, request.trunk_ids)
        wanted = set(request.numbers)
        shown = [trunk for trunk in found if not wanted or not trunk.numbers or wanted & set(trunk.numbers)]
        return pb.ListSIPInboundTrunkResponse(items=shown)

    def _fit_inbound(self, trunk: pb.SIPInboundTrunkInfo) -> None:
        if not (trunk.numbers or trunk.allowed_addresses or trunk.auth_username):
            raise TwirpError(
                "invalid_argument",
                "for security, one of the fields must be set: AuthUsername+AuthPassword, AllowedAddresses or Numbers",
            )
        for other in self.inbound.values():
            if other.sip_trunk_id != trunk.sip_trunk_id and _same_callers(other, trunk):
                raise TwirpError(
                    "invalid_argument",
                    f'Conflicting inbound SIP Trunks: "<new>" and "{other.sip_trunk_id}", using the same number(s)',
                )

    # Outbound trunks: the server does not look for duplicates here.

    def create_outbound(self, request: pb.CreateSIPOutboundTrunkRequest) -> pb.SIPOutboundTrunkInfo:
        """CreateSIPOutboundTrunk."""
        _fit_outbound(request.trunk)
        request.trunk.sip_trunk_id = new_id("ST")
        self.outbound[request.trunk.sip_trunk_id] = request.trunk
        return request.trunk

    def update_outbound(self, request: pb.UpdateSIPOutboundTrunkRequest) -> pb.SIPOutboundTrunkInfo:
        """UpdateSIPOutboundTrunk."""
        trunk = _changed(_found(self.outbound, request.sip_trunk_id, NO_TRUNK), request)
        trunk.sip_trunk_id = request.sip_trunk_id
        _fit_outbound(trunk)
        self.outbound[request.sip_trunk_id] = trunk
        return trunk

    def list_outbound(self, request: pb.ListSIPOutboundTrunkRequest) -> pb.ListSIPOutboundTrunkResponse:
        """ListSIPOutboundTrunk."""
        wanted = set(request.numbers)
        found = _listed(self.outbound, request.trunk_ids)
        shown = [trunk for trunk in found if not wanted or wanted & set(trunk.numbers)]
        return pb.ListSIPOutboundTrunkResponse(items=shown)

    def delete(self, request: pb.DeleteSIPTrunkRequest) -> pb.SIPTrunkInfo:
        """DeleteSIPTrunk, of either kind."""
        kept = self.inbound.pop(request.sip_trunk_id, None) or self.outbound.pop(request.sip_trunk_id, None)
        if kept is None:
            raise TwirpError("not_found", NO_TRUNK)
        return pb.SIPTrunkInfo(sip_trunk_id=kept.sip_trunk_id, name=kept.name, metadata=kept.metadata)

    # Dispatch rules.

    def create_rule(self, request: pb.CreateSIPDispatchRuleRequest) -> pb.SIPDispatchRuleInfo:
        """CreateSIPDispatchRule; the deprecated flat fields are understood too."""
        rule = request.dispatch_rule
        if not request.HasField("dispatch_rule"):
            rule = _rule_of_flat_fields(request)
        self._fit_rule(rule)
        rule.sip_dispatch_rule_id = new_id("SDR")
        self.rules[rule.sip_dispatch_rule_id] = rule
        return rule

    def update_rule(self, request: pb.UpdateSIPDispatchRuleRequest) -> pb.SIPDispatchRuleInfo:
        """UpdateSIPDispatchRule."""
        rule = _changed(_found(self.rules, request.sip_dispatch_rule_id, NO_RULE), request)
        rule.sip_dispatch_rule_id = request.sip_dispatch_rule_id
        self._fit_rule(rule)
        self.rules[request.sip_dispatch_rule_id] = rule
        return rule

    def list_rules(self, request: pb.ListSIPDispatchRuleRequest) -> pb.ListSIPDispatchRuleResponse:
        """ListSIPDispatchRule."""
        wanted = set(request.trunk_ids)
        found = _listed(self.rules, request.dispatch_rule_ids)
        shown = [rule for rule in found if not wanted or not rule.trunk_ids or wanted & set(rule.trunk_ids)]
        return pb.ListSIPDispatchRuleResponse(items=shown)

    def delete_rule(self, request: pb.DeleteSIPDispatchRuleRequest) -> pb.SIPDispatchRuleInfo:
        """DeleteSIPDispatchRule."""
        _found(self.rules, request.sip_dispatch_rule_id, NO_RULE)
        return self.rules.pop(request.sip_dispatch_rule_id)

    def _fit_rule(self, rule: pb.SIPDispatchRuleInfo) -> None:
        if not rule.HasField("rule"):
            raise TwirpError("invalid_argument", "missing rule")
        for other in self.rules.values():
            if other.sip_dispatch_rule_id != rule.sip_dispatch_rule_id and _same_calls(other, rule):
                raise TwirpError(
                    "invalid_argument",
                    "Conflicting SIP Dispatch Rules: same Trunk+Number+PIN combination for "
                    f'"<new>" and "{other.sip_dispatch_rule_id}"',
                )


def _found(kept: dict[str, T], key: str, message: str) -> T:
    if key not in kept:
        raise TwirpError("not_found", message)
    return kept[key]


def _listed(kept: dict[str, T], ids: Any) -> list[T]:
    return [item for key, item in kept.items() if not ids or key in ids]


def _same_callers(one: pb.SIPInboundTrunkInfo, other: pb.SIPInboundTrunkInfo) -> bool:
    """Whether a call could belong to both trunks."""
    numbers = not one.numbers or not other.numbers or set(one.numbers) & set(other.numbers)
    return bool(numbers) and _overlap(one.allowed_numbers, other.allowed_numbers)


def _same_calls(one: pb.SIPDispatchRuleInfo, other: pb.SIPDispatchRuleInfo) -> bool:
    return (
        _overlap(one.trunk_ids, other.trunk_ids)
        and _overlap(one.numbers, other.numbers)
        and _overlap(one.inbound_numbers, other.inbound_numbers)
        and _pin(one) == _pin(other)
    )


def _overlap(one: Any, other: Any) -> bool:
    """Whether two lists share an entry; two empty ones, which mean everything, do too."""
    return not (one or other) or bool(set(one) & set(other))


def _pin(rule: pb.SIPDispatchRuleInfo) -> str:
    which = rule.rule.WhichOneof("rule")
    return str(getattr(rule.rule, which).pin) if which else ""


def _fit_outbound(trunk: pb.SIPOutboundTrunkInfo) -> None:
    if not trunk.numbers:
        raise TwirpError("invalid_argument", "no trunk numbers specified")
    if not trunk.address:
        raise TwirpError("invalid_argument", "no outbound address specified")
    if trunk.address.startswith(("sip:", "sips:")):
        raise TwirpError("invalid_argument", "trunk address should be a hostname or IP, not SIP URI")


def _rule_of_flat_fields(request: pb.CreateSIPDispatchRuleRequest) -> pb.SIPDispatchRuleInfo:
    rule = pb.SIPDispatchRuleInfo(
        trunk_ids=request.trunk_ids,
        inbound_numbers=request.inbound_numbers,
        name=request.name,
        metadata=request.metadata,
        attributes=request.attributes,
        hide_phone_number=request.hide_phone_number,
    )
    rule.rule.CopyFrom(request.rule)
    rule.room_config.CopyFrom(request.room_config)
    return rule


def _changed(kept: T, request: Any) -> T:
    """A copy of what is kept, replaced as a whole or changed field by field."""
    changed = type(kept)()
    changed.CopyFrom(request.replace if request.HasField("replace") else kept)
    if request.HasField("update"):
        for field, value in request.update.ListFields():
            _change(changed, field.name, value)
    return changed


def _change(kept: Any, name: str, value: Any) -> None:
    if not isinstance(value, Message) and not hasattr(value, "items"):
        setattr(kept, name, value)
    elif hasattr(value, "items"):
        getattr(kept, name).update(value)
    elif value.DESCRIPTOR.name == "ListUpdate":
        entries = getattr(kept, name)
        entries[:] = _edited(list(entries), value)
    else:
        getattr(kept, name).CopyFrom(value)


def _edited(entries: list[str], update: Any) -> list[str]:
    if update.clear or update.set:
        entries = list(update.set)
    return [entry for entry in entries if entry not in update.remove] + [
        entry for entry in update.add if entry not in entries
    ]
