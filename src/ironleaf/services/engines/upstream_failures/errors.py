"""What a caller is told when a model server fails: never the server's own words."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import AlertRule, Entry, Family, Kind, Level, Text
from ironleaf.services.engines.upstream_failures.base import FailureKind

_WAIT: Final = Text("Try again in a few minutes.", "请过几分钟再试。")
_OTHER_ENGINE: Final = Text(
    "Try again later, or let the service choose the engine (engine=auto).",
    "请稍后再试，或者让服务自行选择引擎（engine=auto）。",
)

MODEL_UNAVAILABLE: Final = Entry(
    code=50356,
    reason="model-unavailable",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text("The recognition model is not available at the moment.", "识别模型暂时不可用。"),
    user_advice=_OTHER_ENGINE,
    operator_advice=Text(
        "The server no longer serves the configured model, or is still loading it. Compare the backend's model name "
        "with what the server lists, and run `ironleaf doctor`.",
        "服务器已不再提供所配置的模型，或者仍在加载。"
        "请核对后端的模型名称与服务器列出的模型，并运行 `ironleaf doctor`。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)
MODEL_BUSY: Final = Entry(
    code=50357,
    reason="model-busy",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.BUSY,
    message=Text("The recognition engine has too much to do right now.", "识别引擎当前负载过高。"),
    user_advice=_WAIT,
    operator_advice=Text(
        "The server is overloaded or limits our request rate. Lower this backend's concurrency or add capacity.",
        "服务器过载或限制了我们的请求频率。请降低该后端的并发数，或增加容量。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)
MODEL_QUOTA_EXHAUSTED: Final = Entry(
    code=50358,
    reason="model-quota-exhausted",
    family=Family.MODEL,
    level=Level.L4,
    kind=Kind.UNAVAILABLE,
    message=Text("The recognition engine cannot be used at the moment.", "识别引擎暂时无法使用。"),
    user_advice=_OTHER_ENGINE,
    operator_advice=Text(
        "The account behind this backend has no balance, budget or quota left. Top it up or raise the limit.",
        "该后端所用账户的余额、预算或配额已用完。请充值或提高限额。",
    ),
    alert=AlertRule.AT_ONCE,
)
MODEL_ACCESS_REFUSED: Final = Entry(
    code=50359,
    reason="model-access-refused",
    family=Family.MODEL,
    level=Level.L4,
    kind=Kind.UNAVAILABLE,
    message=Text("The recognition engine does not accept our requests.", "识别引擎拒绝了本服务的请求。"),
    user_advice=_OTHER_ENGINE,
    operator_advice=Text(
        "The server refuses the key, the account or the region. Check this backend's key and permissions.",
        "服务器拒绝了密钥、账户或所在地区。请检查该后端的密钥和权限。",
    ),
    alert=AlertRule.AT_ONCE,
)
MODEL_DOWN: Final = Entry(
    code=50360,
    reason="model-down",
    family=Family.MODEL,
    level=Level.L4,
    kind=Kind.UNAVAILABLE,
    message=Text("The recognition engine has stopped working.", "识别引擎已停止工作。"),
    user_advice=_OTHER_ENGINE,
    operator_advice=Text(
        "The engine process is dead and does not come back by itself. Restart the model server and look at its log.",
        "引擎进程已停止且不会自行恢复。请重启模型服务器并查看其日志。",
    ),
    alert=AlertRule.AT_ONCE,
)
TOO_LARGE_FOR_MODEL: Final = Entry(
    code=42261,
    reason="too-large-for-model",
    family=Family.MODEL,
    level=Level.L1,
    kind=Kind.TOO_LARGE,
    message=Text("This page is more than the recognition engine takes.", "该页面超出识别引擎的处理上限。"),
    user_advice=Text(
        "Send a smaller image, or let the service choose the engine (engine=auto).",
        "请上传更小的图片，或者让服务自行选择引擎（engine=auto）。",
    ),
    operator_advice=Text(
        "Lower the pixel limit in the backend's profile if this happens often.",
        "如果经常发生，请在该后端的配置档中降低像素上限。",
    ),
    alert=AlertRule.SURGE,
)
IMAGE_REFUSED_BY_MODEL: Final = Entry(
    code=42262,
    reason="image-refused-by-model",
    family=Family.MODEL,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The recognition engine cannot use this image.", "识别引擎无法使用该图片。"),
    user_advice=Text(
        "Check that the image opens and is not extremely narrow, or save it again as PNG or JPEG.",
        "请确认图片可以正常打开且不过于狭长，或重新保存为 PNG 或 JPEG。",
    ),
    operator_advice=Text(
        "Images are decoded and encoded anew before they are sent: if this happens often, the server's limits on "
        "format, size or ratio are narrower than the backend's profile says.",
        "图片在发送前会重新解码并编码；如果经常发生，说明服务器对格式、大小或长宽比的限制比配置档更严。",
    ),
    alert=AlertRule.SURGE,
)
CONTENT_REFUSED: Final = Entry(
    code=42263,
    reason="content-refused",
    family=Family.MODEL,
    level=Level.L1,
    kind=Kind.FORBIDDEN,
    message=Text("The recognition engine refused this content.", "识别引擎拒绝处理该内容。"),
    user_advice=Text(
        "A safety filter, or the model itself, refused the page. Use another engine if your operator allows it.",
        "安全过滤器或模型本身拒绝了该页面。如果管理员允许，可改用其他引擎。",
    ),
    operator_advice=Text(
        "The server's safety filter refused the page, or the model declined it in words. Whether other engines may "
        "read it is a setting, step_down_on_refusal.",
        "服务器的安全过滤器拒绝了该页面，或模型以文字表示拒绝。是否允许其他引擎读取由设置 step_down_on_refusal 决定。",
    ),
    alert=AlertRule.SURGE,
)
MODEL_REQUEST_REFUSED: Final = Entry(
    code=50264,
    reason="model-request-refused",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.INTERNAL,
    message=Text("The recognition engine did not accept the request that we made.", "识别引擎不接受本服务构造的请求。"),
    user_advice=_OTHER_ENGINE,
    operator_advice=Text(
        "Our request does not fit this server: address, model abilities, max_tokens or extra parameters. Compare the "
        "backend's profile with the server, and run `ironleaf doctor`.",
        "我们的请求与该服务器不匹配：地址、模型能力、max_tokens 或额外参数。"
        "请核对后端的配置档，并运行 `ironleaf doctor`。",
    ),
    alert=AlertRule.RATE,
)
MODEL_FAILED: Final = Entry(
    code=50265,
    reason="model-failed",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.INTERNAL,
    message=Text("The recognition engine failed.", "识别引擎出错。"),
    user_advice=_OTHER_ENGINE,
    operator_advice=Text(
        "The server broke off with an error of its own. Its log tells why; ours has the redacted answer.",
        "服务器因自身错误而中断。原因见其日志；本服务的日志中有脱敏后的应答。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)
MODEL_OUT_OF_MEMORY: Final = Entry(
    code=50266,
    reason="model-out-of-memory",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.INTERNAL,
    message=Text("The recognition engine lacks the resources for this page.", "识别引擎的资源不足以处理该页面。"),
    user_advice=Text(
        "Send a smaller image, or let the service choose the engine (engine=auto).",
        "请上传更小的图片，或者让服务自行选择引擎（engine=auto）。",
    ),
    operator_advice=Text(
        "The server ran out of memory. Lower concurrency or the profile's pixel limit, or give the model more memory.",
        "服务器内存或显存不足。请降低并发数或配置档的像素上限，或为模型分配更多内存。",
    ),
    alert=AlertRule.RATE,
)
MODEL_UNREACHABLE: Final = Entry(
    code=50267,
    reason="model-unreachable",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text("The recognition engine cannot be reached.", "无法连接识别引擎。"),
    user_advice=_WAIT,
    operator_advice=Text(
        "The server, or the gateway before it, does not answer. Check that it runs and that the network lets us in.",
        "服务器或其前面的网关没有应答。请确认其正在运行且网络畅通。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)
MODEL_ANSWER_UNUSABLE: Final = Entry(
    code=50268,
    reason="model-answer-unusable",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.INTERNAL,
    message=Text("The recognition engine gave an answer that cannot be used.", "识别引擎返回了无法使用的结果。"),
    user_advice=_OTHER_ENGINE,
    operator_advice=Text(
        "The answer was empty, cut, or not in the protocol's form. Check that the address leads to the API itself.",
        "应答为空、被截断或不符合协议。请确认地址直接指向接口本身。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)
MODEL_TIMEOUT: Final = Entry(
    code=50469,
    reason="model-timeout",
    family=Family.MODEL,
    level=Level.L3,
    kind=Kind.TIMEOUT,
    message=Text("The recognition engine took too long.", "识别引擎响应超时。"),
    user_advice=_WAIT,
    operator_advice=Text(
        "The server did not answer in time. Look at its load; raise the backend's time limits only if it is healthy.",
        "服务器未能及时应答。请检查其负载；仅在服务器正常时才调高后端的时限。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)

ENTRIES: Final[tuple[Entry, ...]] = (
    MODEL_UNAVAILABLE,
    MODEL_BUSY,
    MODEL_QUOTA_EXHAUSTED,
    MODEL_ACCESS_REFUSED,
    MODEL_DOWN,
    TOO_LARGE_FOR_MODEL,
    IMAGE_REFUSED_BY_MODEL,
    CONTENT_REFUSED,
    MODEL_REQUEST_REFUSED,
    MODEL_FAILED,
    MODEL_OUT_OF_MEMORY,
    MODEL_UNREACHABLE,
    MODEL_ANSWER_UNUSABLE,
    MODEL_TIMEOUT,
)

_BY_KIND: Final[dict[FailureKind, Entry]] = {
    FailureKind.MODEL_NOT_FOUND: MODEL_UNAVAILABLE,
    FailureKind.MODEL_LOADING: MODEL_UNAVAILABLE,
    FailureKind.OVERLOADED: MODEL_BUSY,
    FailureKind.RATE_LIMITED: MODEL_BUSY,
    FailureKind.QUOTA_EXHAUSTED: MODEL_QUOTA_EXHAUSTED,
    FailureKind.AUTH: MODEL_ACCESS_REFUSED,
    FailureKind.PERMISSION: MODEL_ACCESS_REFUSED,
    FailureKind.CONTEXT_TOO_LONG: TOO_LARGE_FOR_MODEL,
    FailureKind.IMAGE_INVALID: IMAGE_REFUSED_BY_MODEL,
    FailureKind.IMAGE_TOO_LARGE: TOO_LARGE_FOR_MODEL,
    FailureKind.IMAGE_UNSUPPORTED_BY_MODEL: MODEL_REQUEST_REFUSED,
    FailureKind.BAD_PARAMETER: MODEL_REQUEST_REFUSED,
    FailureKind.CONTENT_FILTERED: CONTENT_REFUSED,
    FailureKind.OUT_OF_MEMORY: MODEL_OUT_OF_MEMORY,
    FailureKind.ENGINE_CRASHED: MODEL_FAILED,
    FailureKind.INTERNAL_ERROR: MODEL_FAILED,
    FailureKind.BAD_GATEWAY: MODEL_UNREACHABLE,
    FailureKind.TIMEOUT: MODEL_TIMEOUT,
    FailureKind.CONNECTION: MODEL_UNREACHABLE,
    FailureKind.PROTOCOL: MODEL_ANSWER_UNUSABLE,
    FailureKind.PAYLOAD_TOO_LARGE: TOO_LARGE_FOR_MODEL,
    FailureKind.UNKNOWN: MODEL_FAILED,
}


def entry_for(kind: FailureKind, level: Level) -> Entry:
    """Return what a caller is told about a failure of this kind at this level."""
    entry = _BY_KIND[kind]
    if level is entry.level:
        return entry
    # The same kind, but on us and not on the caller; or past healing.
    return MODEL_DOWN if level is Level.L4 else MODEL_REQUEST_REFUSED
