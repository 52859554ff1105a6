"""Refusals of what a file is: each kind that people often send has its own name and its own way out."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import Entry, Family, Kind, Level, Text
from ironleaf.services.files.errors.wording import NOTHING_TO_DO


def _refusal(code: int, reason: str, message: Text, user_advice: Text) -> Entry:
    return Entry(
        code=code,
        reason=reason,
        family=Family.VALIDATION,
        level=Level.L1,
        kind=Kind.UNSUPPORTED,
        message=message,
        user_advice=user_advice,
        operator_advice=NOTHING_TO_DO,
    )


UNSUPPORTED_TYPE: Final = _refusal(
    41501,
    "unsupported-type",
    Text("Files of this type are not taken.", "不接受这种类型的文件。"),
    Text(
        "Send one of the types that the details list; a PDF or a PNG of the pages always works.",
        "请发送 details 中列出的类型之一；把页面存为 PDF 或 PNG 总是可行的。",
    ),
)
TYPE_MISMATCH: Final = _refusal(
    41502,
    "type-mismatch",
    Text("The file is not of the type that it was sent as.", "文件内容与其声明的类型不符。"),
    Text("Send the file under its real type, if that type is taken.", "如果其真实类型可以接受，请以真实类型重新发送。"),
)
ARCHIVE_NOT_TAKEN: Final = _refusal(
    41504,
    "archive-not-taken",
    Text("Archives are not taken.", "不接受压缩包。"),
    Text("Unpack the archive and send the files in it one by one.", "请先解压，再逐个发送其中的文件。"),
)
LEGACY_OFFICE_NOT_TAKEN: Final = _refusal(
    41505,
    "legacy-office-not-taken",
    Text("The old Office formats (DOC, XLS, PPT) are not taken.", "不接受旧版 Office 格式（DOC、XLS、PPT）。"),
    Text("Save the file as DOCX, XLSX, PPTX or PDF.", "请另存为 DOCX、XLSX、PPTX 或 PDF。"),
)
OPENDOCUMENT_NOT_TAKEN: Final = _refusal(
    41506,
    "opendocument-not-taken",
    Text("OpenDocument files (ODT, ODS, ODP) are not taken.", "不接受 OpenDocument 文件（ODT、ODS、ODP）。"),
    Text("Save the file as DOCX, XLSX, PPTX or PDF.", "请另存为 DOCX、XLSX、PPTX 或 PDF。"),
)
JPEG_2000_NOT_TAKEN: Final = _refusal(
    41507,
    "jpeg-2000-not-taken",
    Text("JPEG 2000 pictures are not taken.", "不接受 JPEG 2000 图片。"),
    Text("Save the picture as PNG, JPEG or TIFF.", "请另存为 PNG、JPEG 或 TIFF。"),
)
DRAWING_NOT_TAKEN: Final = _refusal(
    41508,
    "drawing-not-taken",
    Text("Vector drawings (SVG, PostScript, metafiles) are not taken.", "不接受矢量图（SVG、PostScript、图元文件）。"),
    Text("Export the drawing as PDF or PNG.", "请导出为 PDF 或 PNG。"),
)
MEDIA_NOT_TAKEN: Final = _refusal(
    41509,
    "media-not-taken",
    Text("Sound and video are not taken.", "不接受音频和视频文件。"),
    Text("Send a document or a picture.", "请发送文档或图片。"),
)
EXECUTABLE_NOT_TAKEN: Final = _refusal(
    41510,
    "executable-not-taken",
    Text("Programs are not taken.", "不接受程序文件。"),
    Text("Send a document or a picture.", "请发送文档或图片。"),
)
PICTURE_TYPE_NOT_TAKEN: Final = _refusal(
    41511,
    "picture-type-not-taken",
    Text("Pictures of this type are not taken.", "不接受这种类型的图片。"),
    Text("Save the picture as PNG, JPEG or TIFF.", "请另存为 PNG、JPEG 或 TIFF。"),
)
OUTLOOK_MESSAGE_NOT_TAKEN: Final = _refusal(
    41512,
    "outlook-message-not-taken",
    Text("Outlook messages (MSG) are not taken.", "不接受 Outlook 邮件（MSG）。"),
    Text("Save the message as EML, HTML or PDF.", "请把邮件另存为 EML、HTML 或 PDF。"),
)
DOCUMENT_TYPE_NOT_TAKEN: Final = _refusal(
    41513,
    "document-type-not-taken",
    Text("Documents of this type are not taken.", "不接受这种类型的文档。"),
    Text("Save the document as DOCX or PDF.", "请另存为 DOCX 或 PDF。"),
)
TYPE_DISABLED: Final = Entry(
    code=41514,
    reason="type-disabled",
    family=Family.VALIDATION,
    level=Level.L1,
    kind=Kind.UNSUPPORTED,
    message=Text("Files of this type are switched off here.", "此处已停用这种类型的文件。"),
    user_advice=Text("Send one of the types that the details list.", "请发送 details 中列出的类型之一。"),
    operator_advice=Text(
        "The types that are taken are the setting files.formats.", "可接受的类型由配置项 files.formats 决定。"
    ),
)

ENTRIES: Final = (
    UNSUPPORTED_TYPE,
    TYPE_MISMATCH,
    ARCHIVE_NOT_TAKEN,
    LEGACY_OFFICE_NOT_TAKEN,
    OPENDOCUMENT_NOT_TAKEN,
    JPEG_2000_NOT_TAKEN,
    DRAWING_NOT_TAKEN,
    MEDIA_NOT_TAKEN,
    EXECUTABLE_NOT_TAKEN,
    PICTURE_TYPE_NOT_TAKEN,
    OUTLOOK_MESSAGE_NOT_TAKEN,
    DOCUMENT_TYPE_NOT_TAKEN,
    TYPE_DISABLED,
)
