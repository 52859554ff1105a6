"""How a notice leaves the house: Apprise for chats and mail, a signed webhook, the log."""

from ironleaf.foundation.alerting.channels.base import Channel, ChannelUnusable
from ironleaf.foundation.alerting.channels.journal import LogChannel
from ironleaf.foundation.alerting.channels.services import AppriseChannel
from ironleaf.foundation.alerting.channels.webhook import WebhookChannel

__all__ = ["AppriseChannel", "Channel", "ChannelUnusable", "LogChannel", "WebhookChannel"]
