"""The entries that any web service needs: what HTTP itself refuses, and what nobody foresaw.

Codes end in 30 to 49 (`design.md`: 01-29 files, 50-69 engines, 70-89 options).
"""

from __future__ import annotations

from functools import partial
from typing import Final

from ironleaf.foundation.errors.entry import CLIENT_CLOSED_STATUS, AlertRule, Entry, Family, Kind, Level, Text

_FIX_CLIENT: Final = Text(
    "The client or a proxy in front of the service sent this; nothing is wrong with the service.",
    "这是客户端或前置代理发来的内容导致的，服务本身没有问题。",
)
_refuse: Final = partial(Entry, family=Family.PROTOCOL, level=Level.L1, operator_advice=_FIX_CLIENT)
"""Makes the entries for requests that HTTP itself rules out."""

BAD_REQUEST: Final = Entry(
    code=40030,
    reason="bad-request",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The request cannot be processed as it was sent.", "无法处理这样的请求。"),
    user_advice=Text(
        "Compare the request with the documentation under /docs and send it again.",
        "请对照 /docs 中的接口文档检查请求，然后重新发送。",
    ),
    operator_advice=_FIX_CLIENT,
)
MALFORMED_REQUEST: Final = Entry(
    code=40031,
    reason="malformed-request",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("This is not a valid HTTP request.", "这不是有效的 HTTP 请求。"),
    user_advice=Text(
        "Use an ordinary HTTP client, and check that http and https are not mixed up.",
        "请使用常规的 HTTP 客户端，并确认没有混用 http 和 https。",
    ),
    operator_advice=Text(
        "Usually a port scanner, or TLS spoken to a plain port. Watch the rate; single ones are harmless.",
        "通常是端口扫描，或者用 TLS 访问了明文端口。留意频率即可，偶发无需处理。",
    ),
)
MALFORMED_HEADER: Final = _refuse(
    code=40032,
    reason="malformed-header",
    kind=Kind.INVALID_INPUT,
    message=Text("A request header is not written as HTTP requires.", "请求头不符合 HTTP 规范。"),
    user_advice=Text(
        "Remove line breaks and control characters from header names and values.",
        "请去掉请求头名称和值中的换行符与控制字符。",
    ),
)
MALFORMED_LENGTH: Final = Entry(
    code=40033,
    reason="malformed-length",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text(
        "The request states its length wrongly or more than once.",
        "请求声明的长度有误，或者重复声明了长度。",
    ),
    user_advice=Text(
        "Let the HTTP client set Content-Length and Transfer-Encoding itself.",
        "请让 HTTP 客户端自行设置 Content-Length 和 Transfer-Encoding。",
    ),
    operator_advice=Text(
        "May be an attempt at request smuggling; if it repeats, look at the proxy in front of the service.",
        "可能是请求走私的尝试；如果反复出现，请检查服务前面的代理。",
    ),
)
MALFORMED_CHUNKING: Final = _refuse(
    code=40034,
    reason="malformed-chunking",
    kind=Kind.INVALID_INPUT,
    message=Text("The chunks of the request body are not valid.", "请求正文的分块编码无效。"),
    user_advice=Text(
        "Send the body again, with a known length if possible.",
        "请重新发送正文，尽量使用确定的长度。",
    ),
)
MALFORMED_FORM: Final = Entry(
    code=40035,
    reason="malformed-form",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The form in the request body is broken or cut off.", "请求正文中的表单已损坏或不完整。"),
    user_advice=Text(
        "Send the form again and let the client write the multipart boundary itself.",
        "请重新发送表单，并让客户端自行生成 multipart 分隔符。",
    ),
    operator_advice=Text(
        "Clients on bad networks cause single ones; many at once point to a proxy that cuts bodies.",
        "网络不好的客户端会偶尔触发；如果集中出现，请检查代理是否截断了请求正文。",
    ),
)
BAD_JSON: Final = Entry(
    code=40036,
    reason="bad-json",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The request body is not valid JSON.", "请求正文不是有效的 JSON。"),
    user_advice=Text(
        "Check the body with a JSON validator and send it as UTF-8.",
        "请用 JSON 校验工具检查正文，并以 UTF-8 编码发送。",
    ),
    operator_advice=_FIX_CLIENT,
)
BAD_HOST: Final = Entry(
    code=40037,
    reason="bad-host",
    family=Family.PROTOCOL,
    level=Level.L2,
    kind=Kind.INVALID_INPUT,
    message=Text("The service does not answer under this host name.", "服务不通过这个主机名提供访问。"),
    user_advice=Text("Use the address that the operator gave you.", "请使用管理员提供的地址访问。"),
    operator_advice=Text(
        "If the name is yours, allow it in the settings; otherwise a web page may be trying to reach a local service.",
        "如果这个主机名属于您，请把它加入允许的主机列表；否则可能是网页在尝试访问本地服务。",
    ),
    alert=AlertRule.SURGE,
)
UNSUPPORTED_UPGRADE: Final = _refuse(
    code=40038,
    reason="unsupported-upgrade",
    kind=Kind.UNSUPPORTED,
    message=Text("The service does not speak this protocol.", "服务不支持要切换的协议。"),
    user_advice=Text(
        "Use plain HTTP requests; there are no WebSockets here.", "请使用普通的 HTTP 请求，这里不提供 WebSocket。"
    ),
)
UNAUTHENTICATED: Final = Entry(
    code=40130,
    reason="unauthenticated",
    family=Family.PROTOCOL,
    level=Level.L2,
    kind=Kind.UNAUTHENTICATED,
    message=Text("A valid key is needed for this.", "需要有效的密钥才能访问。"),
    user_advice=Text("Send a valid API key, or ask the operator for one.", "请附上有效的 API 密钥，或向管理员申请。"),
    operator_advice=Text(
        "A surge means an expired key in a client, or someone guessing keys.",
        "如果突然增多，可能是某个客户端的密钥已过期，或者有人在猜测密钥。",
    ),
    alert=AlertRule.SURGE,
)
FORBIDDEN: Final = Entry(
    code=40330,
    reason="forbidden",
    family=Family.PROTOCOL,
    level=Level.L2,
    kind=Kind.FORBIDDEN,
    message=Text("This is not permitted.", "没有执行此操作的权限。"),
    user_advice=Text("Ask the operator for the permission you need.", "请向管理员申请所需的权限。"),
    operator_advice=Text(
        "Check which scope the caller's key has; a surge may be someone trying doors.",
        "请检查调用方密钥的权限范围；如果突然增多，可能有人在试探。",
    ),
    alert=AlertRule.SURGE,
)
CROSS_SITE_REQUEST: Final = Entry(
    code=40331,
    reason="cross-site-request",
    family=Family.PROTOCOL,
    level=Level.L2,
    kind=Kind.FORBIDDEN,
    message=Text("A page of another site may not send this request.", "不允许其他网站的页面发送此请求。"),
    user_advice=Text(
        "Send the request from a page of this service, or from a program instead of a web page.",
        "请从本服务自己的页面发送请求，或改用程序而不是网页。",
    ),
    operator_advice=Text(
        "A web page tried to use the service through the browser of somebody. If the page is yours, serve it from the "
        "address of the service; if a proxy changes the Host header, name the public address in the settings.",
        "有网页试图借用户的浏览器访问本服务。如果该网页属于您，请让它与本服务使用同一地址；"
        "如果代理改写了 Host 头，请在设置中写明对外的公开地址。",
    ),
    alert=AlertRule.SURGE,
)
NOT_FOUND: Final = _refuse(
    code=40430,
    reason="not-found",
    kind=Kind.NOT_FOUND,
    message=Text("There is nothing at this address.", "这个地址没有内容。"),
    user_advice=Text("Check the path; all of them are listed under /docs.", "请检查路径，全部路径见 /docs。"),
)
METHOD_NOT_ALLOWED: Final = _refuse(
    code=40530,
    reason="method-not-allowed",
    kind=Kind.INVALID_INPUT,
    message=Text("This address does not take this method.", "这个地址不支持该请求方法。"),
    user_advice=Text("Use one of the methods named in the Allow header.", "请使用 Allow 响应头中列出的方法。"),
)
NOT_ACCEPTABLE: Final = _refuse(
    code=40630,
    reason="not-acceptable",
    kind=Kind.UNSUPPORTED,
    message=Text("The answer does not exist in the format asked for.", "无法以所要求的格式返回结果。"),
    user_advice=Text(
        "Accept application/json, or leave the Accept header out.",
        "请接受 application/json，或者不要发送 Accept 请求头。",
    ),
)
REQUEST_TIMEOUT: Final = Entry(
    code=40830,
    reason="request-timeout",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.TIMEOUT,
    message=Text("The request did not arrive in time.", "请求没有在规定时间内到达。"),
    user_advice=Text("Send the request again over a steady connection.", "请在稳定的网络下重新发送请求。"),
    operator_advice=Text(
        "Slow or half-open clients; many from one address may be an attempt to hold connections open.",
        "客户端过慢或连接半开；如果大量来自同一地址，可能是有人在占用连接。",
    ),
    retryable=True,
)
BODY_STALLED: Final = Entry(
    code=40831,
    reason="body-stalled",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.TIMEOUT,
    message=Text("The upload stopped before it was complete.", "上传在完成之前中断了。"),
    user_advice=Text("Send the file again over a steady connection.", "请在稳定的网络下重新上传文件。"),
    operator_advice=Text(
        "Clients on bad networks, or a proxy that buffers longer than the stall limit.",
        "客户端网络不好，或者代理的缓冲时间超过了停滞时限。",
    ),
    retryable=True,
)
CONFLICT: Final = Entry(
    code=40930,
    reason="conflict",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.CONFLICT,
    message=Text("The request contradicts the present state.", "请求与当前状态冲突。"),
    user_advice=Text("Fetch the present state and decide again.", "请先获取最新状态，再决定如何操作。"),
    operator_advice=_FIX_CLIENT,
)
GONE: Final = Entry(
    code=41030,
    reason="gone",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.GONE,
    message=Text("This existed once and has been removed.", "该内容曾经存在，现已移除。"),
    user_advice=Text("Create it again if you still need it.", "如果仍然需要，请重新创建。"),
    operator_advice=Text(
        "Kept no longer than the retention settings say; lengthen them if callers come too late.",
        "内容按保留期设置删除；如果调用方总是来晚，请延长保留期。",
    ),
)
PAYLOAD_TOO_LARGE: Final = Entry(
    code=41330,
    reason="payload-too-large",
    family=Family.LIMIT,
    level=Level.L2,
    kind=Kind.TOO_LARGE,
    message=Text("The request body is larger than the limit.", "请求正文超过了大小上限。"),
    user_advice=Text(
        "Send less at once, or ask the operator to raise the limit.", "请减小单次发送的内容，或请管理员提高上限。"
    ),
    operator_advice=Text(
        "Raise the limit if callers need it and memory and disk allow it.",
        "如果调用方确有需要，且内存和磁盘允许，可以提高上限。",
    ),
    alert=AlertRule.SURGE,
)
URI_TOO_LONG: Final = _refuse(
    code=41430,
    reason="uri-too-long",
    kind=Kind.TOO_LARGE,
    message=Text("The address of the request is too long.", "请求地址过长。"),
    user_advice=Text("Send long values in the body, not in the address.", "请把较长的值放在正文中，而不是地址里。"),
)
UNSUPPORTED_MEDIA_TYPE: Final = _refuse(
    code=41530,
    reason="unsupported-media-type",
    kind=Kind.UNSUPPORTED,
    message=Text("The request body is not of a type taken here.", "不接受这种类型的请求正文。"),
    user_advice=Text(
        "Set Content-Type as the documentation of this address says.", "请按照该接口的文档设置 Content-Type。"
    ),
)
RANGE_NOT_SATISFIABLE: Final = _refuse(
    code=41630,
    reason="range-not-satisfiable",
    kind=Kind.INVALID_INPUT,
    message=Text("The part asked for lies outside the content.", "请求的范围超出了内容。"),
    user_advice=Text(
        "Leave the Range header out, or ask for a part that exists.", "请去掉 Range 请求头，或请求有效的范围。"
    ),
)
BAD_OPTION: Final = Entry(
    code=42230,
    reason="bad-option",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("An option is missing or has a value that is not allowed.", "缺少选项，或选项的值不被允许。"),
    user_advice=Text(
        "Correct the fields named in the details; the allowed values stand beside them.",
        "请修正详情中列出的字段，允许的取值已在旁边注明。",
    ),
    operator_advice=_FIX_CLIENT,
)
RATE_LIMITED: Final = Entry(
    code=42930,
    reason="rate-limited",
    family=Family.LIMIT,
    level=Level.L2,
    kind=Kind.RATE_LIMITED,
    message=Text("Too many requests in a short time.", "短时间内请求过多。"),
    user_advice=Text(
        "Wait as long as Retry-After says, then go on more slowly.", "请等待 Retry-After 指示的时间，然后放慢请求速度。"
    ),
    operator_advice=Text(
        "Raise the caller's limit if the load is welcome; otherwise the limit does its work.",
        "如果这些请求是合理的，可以提高该调用方的上限；否则说明限流正在发挥作用。",
    ),
    retryable=True,
    alert=AlertRule.SURGE,
)
SERVICE_BUSY: Final = Entry(
    code=42931,
    reason="service-busy",
    family=Family.LIMIT,
    level=Level.L2,
    kind=Kind.BUSY,
    message=Text("The service is fully occupied at the moment.", "服务目前繁忙。"),
    user_advice=Text(
        "Wait as long as Retry-After says and send the request again.", "请等待 Retry-After 指示的时间后重试。"
    ),
    operator_advice=Text(
        "Add replicas or engine capacity if this lasts; short peaks are normal.",
        "如果持续出现，请增加副本或引擎容量；短时高峰属于正常现象。",
    ),
    retryable=True,
    alert=AlertRule.SURGE,
)
REQUEST_HEADER_TOO_LARGE: Final = _refuse(
    code=43130,
    reason="request-header-too-large",
    kind=Kind.TOO_LARGE,
    message=Text("The request headers are too large or too many.", "请求头过大或过多。"),
    user_advice=Text(
        "Send fewer and shorter headers; often a cookie has grown too large.",
        "请减少请求头的数量和长度，常见原因是 Cookie 过大。",
    ),
)
CLIENT_CLOSED: Final = Entry(
    code=CLIENT_CLOSED_STATUS * 100 + 30,
    reason="client-closed",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.CANCELLED,
    message=Text("The caller left before the answer was ready.", "调用方在结果就绪之前断开了连接。"),
    user_advice=Text("Keep the connection open until the answer arrives.", "请保持连接，直到收到结果。"),
    operator_advice=Text(
        "Appears in logs only. Many of them mean that callers' time limits are shorter than the work.",
        "只出现在日志中。如果很多，说明调用方的超时设置短于处理所需的时间。",
    ),
)
INTERNAL_ERROR: Final = Entry(
    code=50030,
    reason="internal-error",
    family=Family.SYSTEM,
    level=Level.L3,
    kind=Kind.INTERNAL,
    message=Text("Something went wrong on our side.", "服务内部出现了问题。"),
    user_advice=Text(
        "Try again later. If it stays, tell the operator the request id.",
        "请稍后重试。如果问题持续，请把请求编号告诉管理员。",
    ),
    operator_advice=Text(
        "Unforeseen. Look up the request id in the logs; the stack is there. Report it as a defect.",
        "属于意料之外的错误。请用请求编号在日志中查找堆栈，并作为缺陷上报。",
    ),
    alert=AlertRule.RATE,
)
UPSTREAM_FAILED: Final = Entry(
    code=50230,
    reason="upstream-failed",
    family=Family.DEPENDENCY,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text("A service that we depend on failed.", "所依赖的服务出现了故障。"),
    user_advice=Text("Try again later.", "请稍后重试。"),
    operator_advice=Text(
        "Look up the request id in the logs to see which dependency failed and how.",
        "请用请求编号在日志中查找是哪个依赖出了什么问题。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)
SERVICE_UNAVAILABLE: Final = Entry(
    code=50330,
    reason="service-unavailable",
    family=Family.SYSTEM,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text("The service cannot answer at the moment.", "服务暂时不可用。"),
    user_advice=Text("Try again in a little while.", "请稍后重试。"),
    operator_advice=Text(
        "See /health for the component that is down, and `ironleaf doctor` for how to mend it.",
        "请查看 /health 确认故障组件，并运行 `ironleaf doctor` 获取修复建议。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)
SHUTTING_DOWN: Final = Entry(
    code=50331,
    reason="shutting-down",
    family=Family.SYSTEM,
    level=Level.L2,
    kind=Kind.UNAVAILABLE,
    message=Text("The service is shutting down.", "服务正在关闭。"),
    user_advice=Text("Send the request again in a moment.", "请稍候重新发送请求。"),
    operator_advice=Text(
        "Normal during a restart. If callers see it often, let the load balancer wait for /readyz.",
        "重启期间属于正常现象。如果调用方经常遇到，请让负载均衡以 /readyz 为准。",
    ),
    retryable=True,
    alert=AlertRule.NEVER,
)
TIMEOUT: Final = Entry(
    code=50430,
    reason="timeout",
    family=Family.SYSTEM,
    level=Level.L3,
    kind=Kind.TIMEOUT,
    message=Text("The work was not finished in time.", "处理未能在规定时间内完成。"),
    user_advice=Text("Try again, allow more time, or send less at once.", "请重试、延长时限，或减少单次发送的内容。"),
    operator_advice=Text(
        "See which stage used the time: the log of this request names each stage with its duration.",
        "请查看该请求的日志，其中列出了每个阶段的耗时，找出最慢的一环。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)
UNSUPPORTED_HTTP_VERSION: Final = _refuse(
    code=50530,
    reason="unsupported-http-version",
    kind=Kind.UNSUPPORTED,
    message=Text("The service does not speak this version of HTTP.", "服务不支持这个 HTTP 版本。"),
    user_advice=Text("Use HTTP/1.1.", "请使用 HTTP/1.1。"),
)

ENTRIES: Final[tuple[Entry, ...]] = (
    BAD_REQUEST,
    MALFORMED_REQUEST,
    MALFORMED_HEADER,
    MALFORMED_LENGTH,
    MALFORMED_CHUNKING,
    MALFORMED_FORM,
    BAD_JSON,
    BAD_HOST,
    UNSUPPORTED_UPGRADE,
    UNAUTHENTICATED,
    FORBIDDEN,
    CROSS_SITE_REQUEST,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    REQUEST_TIMEOUT,
    BODY_STALLED,
    CONFLICT,
    GONE,
    PAYLOAD_TOO_LARGE,
    URI_TOO_LONG,
    UNSUPPORTED_MEDIA_TYPE,
    RANGE_NOT_SATISFIABLE,
    BAD_OPTION,
    RATE_LIMITED,
    SERVICE_BUSY,
    REQUEST_HEADER_TOO_LARGE,
    CLIENT_CLOSED,
    INTERNAL_ERROR,
    UPSTREAM_FAILED,
    SERVICE_UNAVAILABLE,
    SHUTTING_DOWN,
    TIMEOUT,
    UNSUPPORTED_HTTP_VERSION,
)
