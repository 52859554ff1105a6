"""What a detector measured, in words: each name of the evidence, and each value that is a word."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ironleaf.foundation.errors import Language

_GIBIBYTE: Final = 1024**3
_UNITS: Final = (Text("h", "小时"), Text("min", "分钟"), Text("s", "秒"))

NAMES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "failed_count": Text("failures", "失败次数"),
        "calls_per_minute": Text("calls a minute", "每分钟调用次数"),
        "causes": Text("causes", "原因"),
        "burn_rate": Text("times as fast as the budget allows", "预算消耗倍率"),
        "request_count": Text("of requests", "请求总数"),
        "window_s": Text("within", "统计窗口"),
        "finding": Text("found", "检查结果"),
        "free_bytes": Text("free", "剩余空间"),
        "reserve_bytes": Text("work is refused below", "停止接收的下限"),
        "full_in_s": Text("full in", "预计用尽还有"),
        "used_share": Text("used", "已使用"),
        "limit_bytes": Text("of", "上限"),
        "tree_bytes": Text("by this service", "本服务占用"),
        "waiting": Text("waiting", "排队数"),
        "waiting_max": Text("of places", "队列容量"),
        "count_per_minute": Text("a minute", "每分钟次数"),
        "usual_per_minute": Text("usually", "平时每分钟次数"),
        "p95_s_per_unit": Text("seconds for a unit of work, 95th percentile", "单位工作耗时（秒，P95）"),
        "usual_p95_s_per_unit": Text("usually", "平时"),
        "silent_s": Text("silent for", "已无请求"),
        "missed_requests": Text("requests that should have come", "预计应有请求数"),
        "channel": Text("channel", "通道"),
    }
)
"""Of every detector; a test demands it."""
_VALUES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "model_missing": Text("model missing", "模型不存在"),
        "unreachable": Text("not reachable", "无法连接"),
        "key_refused": Text("key refused", "密钥被拒"),
        "unpaid": Text("quota used up", "额度用尽"),
        "blind": Text("sees no images", "看不见图像"),
        "nonsense": Text("answers nonsense", "答非所问"),
        "too_slow": Text("too slow", "太慢"),
        "fails": Text("fails", "出错"),
        "refused": Text("refused", "被拒绝"),
        "timeout": Text("no answer in time", "超时"),
        "address-not-allowed": Text("address not allowed", "地址不允许"),
        "redirected": Text("redirected", "被重定向"),
        "crowded": Text("too many sends hang", "发送拥堵"),
        "broken": Text("the channel failed", "通道出错"),
    }
)
"""Of `finding`: what the test page, or a try of a channel, came to."""


def say_fact(name: str, value: float | str, language: Language) -> str:
    """Return a measured fact as people say it; a name that is not known stands as it is."""
    label = NAMES[name].in_language(language) if name in NAMES else name.removesuffix("_bytes")
    return f"{label} {_say_value(name, value, language)}"


def say_duration(seconds: int, language: Language) -> str:
    """Return a time in hours, minutes and seconds, without what is none."""
    hours, rest = divmod(seconds, 3_600)
    minutes, seconds = divmod(rest, 60)
    units = [unit.in_language(language) for unit in _UNITS]
    parts = zip((hours, minutes, seconds), units, strict=True)
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or f"0 {units[-1]}"


def _say_value(name: str, value: float | str, language: Language) -> str:
    if isinstance(value, str):
        return _VALUES[value].in_language(language) if name == "finding" and value in _VALUES else value
    if name.endswith("_bytes"):
        return f"{value / _GIBIBYTE:.1f} GiB"
    if name == "used_share":
        return f"{100 * value:.0f} %"
    if name in {"window_s", "full_in_s", "silent_s"}:
        return say_duration(round(value), language)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
