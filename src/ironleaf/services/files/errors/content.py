"""What may be wrong inside a file of a type that is taken."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import AlertRule, Entry, Family, Kind, Level, Text
from ironleaf.services.files.errors.wording import LIMIT_IS_A_SETTING, NOTHING_TO_DO, SAVE_AGAIN


def _damage(code: int, reason: str, message: Text, user_advice: Text = SAVE_AGAIN) -> Entry:
    return Entry(
        code=code,
        reason=reason,
        family=Family.PROCESSING,
        level=Level.L1,
        kind=Kind.INVALID_INPUT,
        message=message,
        user_advice=user_advice,
        operator_advice=NOTHING_TO_DO,
    )


def _limit(code: int, reason: str, message: Text, user_advice: Text) -> Entry:
    return Entry(
        code=code,
        reason=reason,
        family=Family.LIMIT,
        level=Level.L1,
        kind=Kind.TOO_LARGE,
        message=message,
        user_advice=user_advice,
        operator_advice=LIMIT_IS_A_SETTING,
        alert=AlertRule.SURGE,
    )


def _lock(code: int, reason: str, message: Text, user_advice: Text) -> Entry:
    return Entry(
        code=code,
        reason=reason,
        family=Family.VALIDATION,
        level=Level.L1,
        kind=Kind.INVALID_INPUT,
        message=message,
        user_advice=user_advice,
        operator_advice=NOTHING_TO_DO,
    )


_SMALLER_PICTURE: Final = Text("Save the picture at a lower resolution.", "请降低图片分辨率后重新保存。")
_SPLIT: Final = Text(
    "Split the document, or ask for fewer pages with page_range.", "请拆分文档，或用 page_range 只选部分页面。"
)
_PLAIN_COPY: Final = Text(
    "Open the document in its own program and save a fresh copy, or print it to PDF.",
    "请用原来的程序打开并重新保存一份，或打印为 PDF。",
)

DAMAGED_IMAGE: Final = _damage(42205, "damaged-image", Text("The picture is damaged.", "图片已损坏。"))
DAMAGED_PDF: Final = _damage(42217, "damaged-pdf", Text("The PDF is damaged.", "PDF 文件已损坏。"))
DAMAGED_OFFICE: Final = _damage(42218, "damaged-office", Text("The Office file is damaged.", "Office 文件已损坏。"))
DAMAGED_FILE: Final = _damage(42219, "damaged-file", Text("The file is damaged.", "文件已损坏。"))

TOO_MANY_PAGES: Final = _limit(
    42206, "too-many-pages", Text("The document has too many pages.", "文档页数过多。"), _SPLIT
)
PAGE_TOO_LARGE: Final = _limit(
    42207, "page-too-large", Text("A page is larger than the limit.", "有页面超过大小上限。"), _SMALLER_PICTURE
)
DOCUMENT_TOO_LARGE: Final = _limit(
    42208,
    "document-too-large",
    Text("The pages together are larger than the limit.", "所有页面加起来超过大小上限。"),
    _SPLIT,
)
SIDE_TOO_LONG: Final = _limit(
    42209,
    "side-too-long",
    Text("A side of a page is longer than the limit.", "有页面的边长超过上限。"),
    _SMALLER_PICTURE,
)
TOO_MANY_FRAMES: Final = _limit(
    42210,
    "too-many-frames",
    Text("The picture has too many frames.", "图片的帧数过多。"),
    Text("Send fewer frames, or ask for some of them with page_range.", "请减少帧数，或用 page_range 只选部分帧。"),
)
ARCHIVE_TOO_LARGE: Final = _limit(
    42211,
    "archive-too-large",
    Text("The file unpacks to more than the limit.", "文件解压后超过大小上限。"),
    _PLAIN_COPY,
)
ARCHIVE_TOO_DENSE: Final = _limit(
    42212,
    "archive-too-dense",
    Text("The file unpacks to far more than its size.", "文件解压后远大于其自身大小。"),
    _PLAIN_COPY,
)
ARCHIVE_TOO_MANY_ENTRIES: Final = _limit(
    42213,
    "archive-too-many-entries",
    Text("The file holds too many parts.", "文件包含的部件过多。"),
    _PLAIN_COPY,
)
ARCHIVE_NESTED_TOO_DEEP: Final = _limit(
    42214,
    "archive-nested-too-deep",
    Text("The file holds archives inside archives.", "文件中存在多层嵌套的压缩包。"),
    _PLAIN_COPY,
)
ARCHIVE_OVERLAPPING: Final = _damage(
    42215,
    "archive-overlapping",
    Text("Parts of the file lie over one another, as in a decompression bomb.", "文件的部件相互重叠，疑似解压炸弹。"),
    _PLAIN_COPY,
)
XML_BOMB: Final = _damage(
    42216,
    "xml-bomb",
    Text("The file holds XML that is not safe to read.", "文件包含不安全的 XML 内容。"),
    _PLAIN_COPY,
)
PDF_TOO_COMPLEX: Final = _limit(
    42229,
    "pdf-too-complex",
    Text("The PDF unpacks to more than the limit.", "PDF 解压后超过上限。"),
    Text("Print the document to a new PDF and send that.", "请把文档重新打印为新的 PDF 后发送。"),
)

PASSWORD_REQUIRED: Final = _lock(
    42220,
    "password-required",
    Text("The file is locked with a password.", "文件受密码保护。"),
    Text(
        "Send the password in the option password, or save a copy without one.",
        "请用 password 选项提供密码，或另存一份无密码的副本。",
    ),
)
WRONG_PASSWORD: Final = _lock(
    42221,
    "wrong-password",
    Text("The password does not open the file.", "密码无法打开该文件。"),
    Text("Check the password and send it again.", "请核对密码后重试。"),
)
ENCRYPTED_OFFICE: Final = _lock(
    42222,
    "encrypted-office",
    Text("The Office file is locked with a password.", "Office 文件受密码保护。"),
    Text(
        "Locked Office files are not opened: save a copy without a password.",
        "不支持打开加密的 Office 文件：请另存一份无密码的副本。",
    ),
)
UNSUPPORTED_ENCRYPTION: Final = _lock(
    42223,
    "unsupported-encryption",
    Text("The file is locked in a way that is not supported.", "文件的加密方式不受支持。"),
    Text("Save a copy without encryption.", "请另存一份未加密的副本。"),
)
PAGE_RANGE_OUTSIDE: Final = Entry(
    code=42224,
    reason="page-range-outside",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The page range asks for pages that the document does not have.", "所选页码范围超出文档页数。"),
    user_advice=Text(
        "Pages count from 1; the details say how many there are.", "页码从 1 开始；details 中给出了总页数。"
    ),
    operator_advice=NOTHING_TO_DO,
)

ENTRIES: Final = (
    DAMAGED_IMAGE,
    TOO_MANY_PAGES,
    PAGE_TOO_LARGE,
    DOCUMENT_TOO_LARGE,
    SIDE_TOO_LONG,
    TOO_MANY_FRAMES,
    ARCHIVE_TOO_LARGE,
    ARCHIVE_TOO_DENSE,
    ARCHIVE_TOO_MANY_ENTRIES,
    ARCHIVE_NESTED_TOO_DEEP,
    ARCHIVE_OVERLAPPING,
    XML_BOMB,
    DAMAGED_PDF,
    DAMAGED_OFFICE,
    DAMAGED_FILE,
    PASSWORD_REQUIRED,
    WRONG_PASSWORD,
    ENCRYPTED_OFFICE,
    UNSUPPORTED_ENCRYPTION,
    PAGE_RANGE_OUTSIDE,
    PDF_TOO_COMPLEX,
)
