"""The errors of keys and sessions."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import AlertRule, Entry, Family, Kind, Level, Text

KEY_EXPIRED: Final = Entry(
    code=40176,
    reason="key-expired",
    family=Family.PROTOCOL,
    level=Level.L2,
    kind=Kind.UNAUTHENTICATED,
    message=Text(en="This key has expired.", zh="该密钥已过期。"),
    user_advice=Text(en="Ask the operator for a new key.", zh="请向管理员申请新的密钥。"),
    operator_advice=Text(
        en="The log names the key by its id: make a new one for its holder, if he is still welcome.",
        zh="日志中记录了该密钥的编号；如仍需为持有者提供服务，请为其创建新的密钥。",
    ),
    alert=AlertRule.SURGE,
)

KEY_REVOKED: Final = Entry(
    code=40177,
    reason="key-revoked",
    family=Family.PROTOCOL,
    level=Level.L2,
    kind=Kind.UNAUTHENTICATED,
    message=Text(en="This key has been revoked.", zh="该密钥已被吊销。"),
    user_advice=Text(en="Ask the operator for a new key.", zh="请向管理员申请新的密钥。"),
    operator_advice=Text(
        en="Somebody still uses a key that was revoked. If it was stolen, the log says since when it is tried.",
        zh="仍有人在使用已吊销的密钥。如果是密钥被盗，可从日志中查看从何时开始被尝试使用。",
    ),
    alert=AlertRule.SURGE,
)

LOGIN_LINK_SPENT: Final = Entry(
    code=41076,
    reason="login-link-spent",
    family=Family.PROTOCOL,
    level=Level.L2,
    kind=Kind.GONE,
    message=Text(
        en="This login link was used already, is too old, or never was one.",
        zh="该登录链接已被使用、已过期，或从未有效。",
    ),
    user_advice=Text(
        en="Ask the operator for a new link; each one works once, for some minutes.",
        zh="请向管理员索取新的链接；每个链接只能使用一次，且仅在数分钟内有效。",
    ),
    operator_advice=Text(
        en="A link is printed when the service starts. If nobody of yours used it, end the sessions by a restart.",
        zh="服务启动时会打印一个链接。如果不是您的人员使用了它，请重启服务以结束所有会话。",
    ),
    alert=AlertRule.SURGE,
)

KEYS_UNAVAILABLE: Final = Entry(
    code=50376,
    reason="keys-unavailable",
    family=Family.DEPENDENCY,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text(
        en="Keys cannot be checked at the moment.",
        zh="目前无法校验密钥。",
    ),
    user_advice=Text(
        en="The key may be right. Wait as long as Retry-After says and send the request again.",
        zh="密钥可能是正确的。请等待 Retry-After 指示的时间后重新发送请求。",
    ),
    operator_advice=Text(
        en="The database has been away since the start, or for longer than known keys stay valid: bring it back.",
        zh="数据库自启动以来一直不可用，或不可用的时间已超过已知密钥的有效期：请恢复数据库。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)

ENTRIES: Final[tuple[Entry, ...]] = (KEY_EXPIRED, KEY_REVOKED, LOGIN_LINK_SPENT, KEYS_UNAVAILABLE)
