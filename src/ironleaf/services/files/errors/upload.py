"""What may go wrong while a file arrives."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import AlertRule, Entry, Family, Kind, Level, Text
from ironleaf.services.files.errors.wording import LIMIT_IS_A_SETTING, NOTHING_TO_DO, SEND_AGAIN

MISSING_FILE: Final = Entry(
    code=42201,
    reason="missing-file",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The request holds no file.", "请求中没有文件。"),
    user_advice=Text(
        "Send the file in a form field named file, with a file name.",
        "请把文件放在名为 file 的表单字段中，并带上文件名。",
    ),
    operator_advice=NOTHING_TO_DO,
)
EMPTY_FILE: Final = Entry(
    code=42202,
    reason="empty-file",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The file is empty.", "文件是空的。"),
    user_advice=Text(
        "Check that the file was saved completely, and send it again.", "请检查文件是否保存完整，然后重新上传。"
    ),
    operator_advice=NOTHING_TO_DO,
)
DUPLICATE_FIELD: Final = Entry(
    code=42203,
    reason="duplicate-field",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("A form field was sent more than once.", "有表单字段被重复发送。"),
    user_advice=Text("Send each field once, and one file per request.", "每个字段只发送一次，每个请求只带一个文件。"),
    operator_advice=NOTHING_TO_DO,
)
OPTION_TOO_LONG: Final = Entry(
    code=42204,
    reason="option-too-long",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The name or the value of a form field is too long.", "某个表单字段的名称或值过长。"),
    user_advice=Text(
        "Shorten the value. Send file content in the field named file only, with a file name.",
        "请缩短该值。文件内容只能放在名为 file 的字段中，并带上文件名。",
    ),
    operator_advice=NOTHING_TO_DO,
)
UNEXPECTED_FILE_FIELD: Final = Entry(
    code=42227,
    reason="unexpected-file-field",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("A file was sent in a field that takes none.", "文件被放在了不接受文件的字段中。"),
    user_advice=Text(
        "Send one file, in the form field named file; send options without a file name.",
        "请只在名为 file 的字段中上传一个文件；选项字段不要带文件名。",
    ),
    operator_advice=NOTHING_TO_DO,
)
# 40001 was malformed-multipart, which said no more than the generic malformed-form. Codes are never given out again.
TRUNCATED_UPLOAD: Final = Entry(
    code=40002,
    reason="truncated-upload",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The upload ended before its end.", "上传在完成之前中断。"),
    user_advice=SEND_AGAIN,
    operator_advice=Text(
        "If many callers see it, look for a proxy that cuts bodies or times out.",
        "如果很多调用方都遇到，请检查是否有代理截断请求体或超时。",
    ),
    retryable=True,
)
TOO_MANY_PARTS: Final = Entry(
    code=40003,
    reason="too-many-parts",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The form has too many fields.", "表单中的字段过多。"),
    user_advice=Text("Send one file and only the documented options.", "请只发送一个文件以及文档中列出的选项。"),
    operator_advice=NOTHING_TO_DO,
)
OPTION_NOT_TEXT: Final = Entry(
    code=40004,
    reason="option-not-text",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("The value of a form field is not UTF-8 text.", "某个表单字段的值不是 UTF-8 文本。"),
    user_advice=Text("Encode options as UTF-8.", "请使用 UTF-8 编码发送选项。"),
    operator_advice=NOTHING_TO_DO,
)
UPLOAD_STALLED: Final = Entry(
    code=40801,
    reason="upload-stalled",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.TIMEOUT,
    message=Text("The upload stopped arriving, so it was given up.", "上传长时间没有进展，已被放弃。"),
    user_advice=Text("Send the file again over a steadier connection.", "请在更稳定的网络下重新上传。"),
    operator_advice=Text(
        "A surge means a slow network, a stuck proxy, or somebody holding connections open.",
        "如果数量突增，可能是网络缓慢、代理卡住，或有人故意占用连接。",
    ),
    retryable=True,
    alert=AlertRule.SURGE,
)
FILE_TOO_LARGE: Final = Entry(
    code=41301,
    reason="file-too-large",
    family=Family.LIMIT,
    level=Level.L1,
    kind=Kind.TOO_LARGE,
    message=Text("The file is larger than the limit.", "文件超过大小上限。"),
    user_advice=Text(
        "Split the document, or save its pictures at a lower resolution.", "请拆分文档，或降低其中图片的分辨率后重试。"
    ),
    operator_advice=LIMIT_IS_A_SETTING,
    alert=AlertRule.SURGE,
)
NOT_MULTIPART: Final = Entry(
    code=41503,
    reason="not-multipart",
    family=Family.PROTOCOL,
    level=Level.L1,
    kind=Kind.UNSUPPORTED,
    message=Text("The body of the request is not a multipart form.", "请求体不是 multipart 表单。"),
    user_advice=Text(
        "Send a form of type multipart/form-data with the file in the field named file.",
        "请以 multipart/form-data 表单发送，并把文件放在名为 file 的字段中。",
    ),
    operator_advice=NOTHING_TO_DO,
)
SPOOL_FULL: Final = Entry(
    code=50301,
    reason="spool-full",
    family=Family.STORAGE,
    level=Level.L4,
    kind=Kind.UNAVAILABLE,
    message=Text("There is no room to take the file right now.", "目前没有空间接收该文件。"),
    user_advice=Text("Try again later.", "请稍后重试。"),
    operator_advice=Text(
        "Free space on the disk of the spool directory, or point files.spool_directory at a larger one.",
        "请清理暂存目录所在的磁盘，或把 files.spool_directory 指向更大的磁盘。",
    ),
    retryable=True,
    alert=AlertRule.AT_ONCE,
)
STORAGE_FAILED: Final = Entry(
    code=50302,
    reason="storage-failed",
    family=Family.STORAGE,
    level=Level.L4,
    kind=Kind.UNAVAILABLE,
    message=Text("The file could not be stored.", "无法保存该文件。"),
    user_advice=Text("Try again later.", "请稍后重试。"),
    operator_advice=Text(
        "Check that the spool directory exists, is writable and sits on a healthy disk.",
        "请检查暂存目录是否存在、可写，以及所在磁盘是否正常。",
    ),
    retryable=True,
    alert=AlertRule.AT_ONCE,
)
UNREADABLE_PATH: Final = Entry(
    code=42228,
    reason="unreadable-path",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.INVALID_INPUT,
    message=Text("There is no readable file at that path.", "该路径下没有可读取的文件。"),
    user_advice=Text(
        "Check the path and your right to read it; it must be an ordinary file.",
        "请检查路径和读取权限；它必须是一个普通文件。",
    ),
    operator_advice=NOTHING_TO_DO,
)

ENTRIES: Final = (
    MISSING_FILE,
    EMPTY_FILE,
    DUPLICATE_FIELD,
    OPTION_TOO_LONG,
    UNEXPECTED_FILE_FIELD,
    UNREADABLE_PATH,
    TRUNCATED_UPLOAD,
    TOO_MANY_PARTS,
    OPTION_NOT_TEXT,
    UPLOAD_STALLED,
    FILE_TOO_LARGE,
    NOT_MULTIPART,
    SPOOL_FULL,
    STORAGE_FAILED,
)
