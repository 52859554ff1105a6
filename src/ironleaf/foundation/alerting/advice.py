"""What to do, by rule, where the catalogue has no advice for the cause itself."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

RULE_ADVICE: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "error-onset": Text(
            "Look up the cause under /v1/ops/errors and a request of it with `ironleaf errors explain`.",
            "请在 /v1/ops/errors 中查看错误分布，并用 `ironleaf errors explain` 查看其中一个请求的详情。",
        ),
        "budget-burn": Text(
            "Find what fails most with `ironleaf errors stats`, and mend that first.",
            "请用 `ironleaf errors stats` 找出失败最多的错误，优先处理。",
        ),
        "budget-leak": Text(
            "See in `ironleaf errors stats --window 7d` what fails most, and by `known since` which causes are new.",
            "请用 `ironleaf errors stats --window 7d` 查看失败最多的错误，并按“首次发现”一列找出新出现的原因。",
        ),
        "needs-a-person": Text(
            "Follow the advice for this error; nothing here will heal by itself.",
            "请按照该错误的处理建议操作，此类故障不会自行恢复。",
        ),
        "caller-surge": Text(
            "Find out which caller it is in the log; raise the limit if it is too low, or talk to them.",
            "请在日志中确认是哪个调用方；如果限制过低则调高，否则请与对方沟通。",
        ),
        "slow-down": Text(
            "See in `ironleaf performance` which stage became slow, and look at that machine's load.",
            "请用 `ironleaf performance` 查看是哪个阶段变慢，并检查对应机器的负载。",
        ),
        "queue-growth": Text(
            "Add a replica, or give the engines more processes; `ironleaf performance` shows where requests wait.",
            "请增加副本或为引擎分配更多进程；`ironleaf performance` 会显示请求在哪里排队。",
        ),
        "disk-filling": Text(
            "Free the disk, or move spool, logs and database elsewhere; `ironleaf doctor` shows the room that is left.",
            "请清理磁盘，或将暂存目录、日志和数据库移到别处；`ironleaf doctor` 会显示剩余空间。",
        ),
        "memory-pressure": Text(
            "Lower workers.recognisers or workers.memory_bytes_max, or give the machine more memory.",
            "请调低 workers.recognisers 或 workers.memory_bytes_max，或增加机器内存。",
        ),
        "no-traffic": Text(
            "Ask from outside whether the service can be reached: the proxy, the name, the certificate.",
            "请从外部检查服务能否访问：代理、域名、证书。",
        ),
        "component-unhealthy": Text(
            "Run `ironleaf doctor`: it tries each part and says how to mend it.",
            "请运行 `ironleaf doctor`，它会逐一检查各组件并给出修复方法。",
        ),
        "component-degraded": Text(
            "Pages are still read, by a lower rung. Run `ironleaf doctor` to see what is missing.",
            "页面仍由后备引擎识别。请运行 `ironleaf doctor` 查看缺少什么。",
        ),
        "backend-down": Text(
            "Look at the model server itself: is the process there, is the model loaded, does it read a page?",
            "请检查模型服务本身：进程是否在运行，模型是否已加载，能否识别页面。",
        ),
        "new-error": Text(
            "Read its stack in the log by the fingerprint; a release or a new kind of file is the usual cause.",
            "请按指纹在日志中查看堆栈；常见原因是新版本发布或出现了新的文件类型。",
        ),
        "alert-delivery": Text(
            "Run `ironleaf doctor alerts`: it tries each channel and says what came of it.",
            "请运行 `ironleaf doctor alerts`，它会逐一测试各告警通道并给出结果。",
        ),
    }
)
"""One for each rule; a test demands it."""
