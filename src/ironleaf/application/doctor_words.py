"""What the doctor says, in both languages: each step's name, and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ironleaf.application.probes import TROUBLES
from ironleaf.foundation.alerting.deliveries import Finding
from ironleaf.foundation.errors import Language


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence in both languages."""

    en: str
    zh: str

    def in_language(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


STEPS: Final[dict[str, Said]] = {
    "read": Said("settings are read", "配置可以读取"),
    "writable": Said("can be written", "可以写入"),
    "room": Said("has room", "有足够空间"),
    "built": Said("can be put together", "可以组装"),
    "started": Said("start", "可以启动"),
    "sandbox": Said("are locked in", "受沙箱限制"),
    "canary": Said("reads the test page", "能读出测试页"),
    "reachable": Said("answers", "可以连通"),
    "free": Said("has time for us", "有空闲处理请求"),
    "quick": Said("answers in time", "及时响应"),
    "sound": Said("answers without an error", "响应正常"),
    "key": Said("takes the key", "接受密钥"),
    "paid": Said("has quota left", "仍有额度"),
    "served": Said("serves the model", "提供该模型"),
    "sees": Said("sees images", "能看见图像"),
    "speed": Said("speed, small page", "速度（小页面）"),
    "schema": Said("is of this version", "版本一致"),
    "write_ahead": Said("keeps a write-ahead log", "使用预写日志"),
    "channels": Said("are configured", "已配置"),
    "sent": Said("takes a test message", "能接收测试消息"),
    "sent address-not-allowed": Said("takes a test message", "能接收测试消息"),
}
MENDS: Final[dict[str, Said]] = {
    "read": Said(
        "Correct the settings that are named above; docs/reference/settings.md lists all of them.",
        "请更正上面列出的配置项；全部配置见 docs/reference/settings.md。",
    ),
    "spool writable": Said(
        "Give the service a directory of its own in files.spool_directory, owned by its user.",
        "请在 files.spool_directory 中指定一个属于本服务用户的目录。",
    ),
    "logs writable": Said(
        "Point logs.directory to a directory that the service may write, or set logs.file to false.",
        "请把 logs.directory 指向可写的目录，或将 logs.file 设为 false。",
    ),
    "ledger writable": Said(
        "Point engines.vl.healing.ledger_directory to a directory that the service may write.",
        "请把 engines.vl.healing.ledger_directory 指向可写的目录。",
    ),
    "database writable": Said(
        "Give the service's user the right to write the database and to make tables in it; check the disk.",
        "请授予服务用户写入数据库和建表的权限，并检查磁盘。",
    ),
    "database reachable": Said(
        "Check database.url, that the server runs and takes this user, or that the file's directory can be written; "
        "a corrupt file: docs/howto/database.md.",
        "请检查 database.url：数据库服务器是否在运行并接受该用户，或文件所在目录是否可写；"
        "若文件已损坏，参见 docs/howto/database.md。",
    ),
    "database room": Said(
        "Free the disk of the database, or point database.url to another one.",
        "请清理数据库所在磁盘，或将 database.url 指向其他磁盘。",
    ),
    "schema": Said(
        "An older one is brought up to date when the service starts (or by `ironleaf db upgrade`); "
        "for a newer one install the newer program.",
        "较旧的结构会在服务启动时自动升级（也可运行 `ironleaf db upgrade`）；若结构较新，请安装新版程序。",
    ),
    "write_ahead": Said(
        "Put the SQLite file on a local disk: network file systems cannot share its log.",
        "请将 SQLite 文件放在本地磁盘上：网络文件系统无法使用预写日志。",
    ),
    "room": Said(
        "Free the disk of files.spool_directory, choose another one, or lower files.spool_free_bytes_min.",
        "请清理 files.spool_directory 所在磁盘、更换磁盘，或调低 files.spool_free_bytes_min。",
    ),
    "built": Said(
        "Check the spool directory, and each backend's profile and tls_ca_file.",
        "请检查暂存目录，以及每个后端的 profile 和 tls_ca_file。",
    ),
    "started": Said(
        "Check memory and process limits; run `ironleaf serve` and read its log for what the workers say.",
        "请检查内存与进程数限制；运行 `ironleaf serve`，在日志中查看工作进程的输出。",
    ),
    "sandbox": Said(
        "Use a kernel 5.13 or later, and a container that does not forbid seccomp and Landlock.",
        "请使用 5.13 或更新的内核，并确认容器没有禁止 seccomp 与 Landlock。",
    ),
    "embedded canary": Said(
        "Install the package again: its model files may be damaged. Give the machine more time if it is overloaded.",
        "请重新安装软件包：模型文件可能已损坏。若机器过载，请先减轻负载。",
    ),
    "reachable": Said(
        "Check the backend's base_url, that the server runs, and name resolution, firewall, proxy and TLS on the way.",
        "请检查后端的 base_url、服务器是否在运行，以及沿途的域名解析、防火墙、代理和 TLS。",
    ),
    "free": Said(
        "It is overloaded, still loading the model, or limits our rate: try again in a minute; if that stays, give it "
        "more capacity or a higher limit.",
        "服务器过载、仍在加载模型，或对我们限流：请一分钟后重试；若持续如此，请扩容或提高限额。",
    ),
    "quick": Said(
        "Look at its log and its load. If it is well and only slow, raise the backend's first_token_timeout_s.",
        "请查看其日志与负载。若一切正常只是较慢，请调大该后端的 first_token_timeout_s。",
    ),
    "sound": Said(
        "Read its log, and that of the gateway before it. Check that base_url ends where the API begins (/v1).",
        "请查看其日志以及前置网关的日志。请确认 base_url 指向 API 的起点，通常以 /v1 结尾。",
    ),
    "key": Said(
        "Set the backend's api_key_env to a variable that holds a valid key. Xinference 4 asks for one by default. "
        "A valid key may lack the right to this model, or be refused for the address or region it is used from.",
        "请将后端的 api_key_env 指向存有有效密钥的环境变量。Xinference 4 默认要求密钥。"
        "有效的密钥也可能没有该模型的权限，或因所在地址、地区而被拒绝。",
    ),
    "paid": Said(
        "Top up the account or raise its quota at the provider.",
        "请在服务商处为账户充值或提高额度。",
    ),
    "served": Said(
        "Compare the backend's model with what GET /v1/models lists, and launch it there.",
        "请将后端的 model 与 GET /v1/models 的列表比对，并在服务器上启动该模型。",
    ),
    "sees": Said(
        "Choose a vision-language model; if it is one, keep image_style at image_url, else its images are dropped.",
        "请选择视觉语言模型；若已是，请将 image_style 保持为 image_url，否则图像会被丢弃。",
    ),
    "canary": Said(
        "Try the model by hand with a small picture. A fitting profile helps; a base model does not read.",
        "请用一张小图手动测试该模型。合适的 profile 会有帮助；未经对话训练的基础模型无法识读。",
    ),
    "speed": Said(
        "The server read one page and not the next one: look at its log and its load.",
        "服务器读出了一页，却没能读出下一页：请查看其日志与负载。",
    ),
    "channels": Said(
        "Add a channel to alerts.channels, with an address that Apprise knows or a webhook; see docs/howto/alerts.md.",
        "请在 alerts.channels 中添加通道，填写 Apprise 支持的地址或 webhook；参见 docs/howto/alerts.md。",
    ),
    "sent": Said(
        "Check the channel's address and key at the receiver, and that this machine may reach it.",
        "请在接收方核对该通道的地址和密钥，并确认本机可以访问。",
    ),
    "sent address-not-allowed": Said(
        "Its name leads to a private address: set allow_private on the channel if that is meant.",
        "该地址指向内网：如果确实需要，请在该通道上设置 allow_private。",
    ),
}

FINDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "not made yet": "尚未创建",
        "older": "版本较旧",
        "newer": "版本较新",
        "log only": "仅写入日志",
        **{trouble.value: words.zh for trouble, words in TROUBLES.items()},
    }
)
"""Words of a closed list that a check may find, in Chinese; numbers and names are the same in both languages."""
SENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        Finding.SENT.value: "已发送",
        Finding.REFUSED.value: "对方未接收",
        Finding.UNREACHABLE.value: "无法连接",
        Finding.TIMEOUT.value: "超时",
        Finding.ADDRESS_NOT_ALLOWED.value: "地址不允许",
        Finding.REDIRECTED.value: "被重定向",
        Finding.CROWDED.value: "待发送过多",
        Finding.BROKEN.value: "通道出错",
    }
)
"""What came of a test message, with the word by which runbooks and deliveries know it."""


def name_step(step: str, language: Language) -> str:
    """Return what was tried."""
    return STEPS[step].in_language(language)


def name_finding(step: str, finding: str, language: Language) -> str:
    """Return what was found."""
    if language != "zh":
        return finding
    if step.startswith("sent"):
        return f"{SENT[finding]} ({finding})"
    return FINDINGS.get(finding, finding)


def advise(subject: str, step: str, language: Language) -> str:
    """Return how to mend a check that did not end well."""
    return (MENDS.get(f"{subject} {step}") or MENDS[step]).in_language(language)
