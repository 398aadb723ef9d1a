"""Which objects an agent's line consists of, in the order in which they are made.

A new one is a class after `resource.Resource` in a module of its own, one subject per file, and a line here: after what
it needs, before what needs it. The number comes last, for that is the moment from which callers meet the agent.
"""

from __future__ import annotations

from typing import Final

from callisi_runtime.provision.gates import LiveKitProject, TwilioAccount
from callisi_runtime.provision.inbound import InboundMessages
from callisi_runtime.provision.livekit_inbound import InboundTrunk
from callisi_runtime.provision.livekit_outbound import OutboundTrunk
from callisi_runtime.provision.livekit_rule import DispatchRule
from callisi_runtime.provision.permissions import MessagingPermissions, VoicePermissions
from callisi_runtime.provision.regulatory import RegulatoryBundle
from callisi_runtime.provision.resource import Resource
from callisi_runtime.provision.twilio_credentials import CredentialList, FormerSipUsers, SipUser, Termination
from callisi_runtime.provision.twilio_number import Number, NumberOnTrunk
from callisi_runtime.provision.twilio_trunk import Origination, Trunk
from callisi_runtime.provision.whatsapp_sender import WhatsAppSender
from callisi_runtime.provision.whatsapp_template import WhatsAppTemplate

RESOURCES: Final[tuple[Resource, ...]] = (
    TwilioAccount(),
    LiveKitProject(),
    RegulatoryBundle(),
    Number(),
    CredentialList(),
    SipUser(),
    Trunk(),
    Termination(),
    InboundTrunk(),
    DispatchRule(),
    OutboundTrunk(),
    FormerSipUsers(),
    Origination(),
    VoicePermissions(),
    MessagingPermissions(),
    InboundMessages(),
    WhatsAppSender(),
    WhatsAppTemplate(),
    NumberOnTrunk(),
)
