"""Warnings about files: what was repaired, left out or is doubtful. The closed list of the files service."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import NoticeEntry, Text


def _notice(reason: str, en: str, zh: str) -> NoticeEntry:
    return NoticeEntry(reason=reason, message=Text(en, zh))


DECLARED_TYPE_DIFFERS: Final = _notice(
    "declared-type-differs",
    "The file is of another type than it was sent as; its content decided.",
    "文件的实际类型与声明不符；已按内容处理。",
)
LEADING_JUNK_SKIPPED: Final = _notice(
    "leading-junk-skipped", "Bytes before the start of the document were skipped.", "已跳过文档开头之前的多余字节。"
)
EXIF_ORIENTATION_APPLIED: Final = _notice(
    "exif-orientation-applied", "The picture was turned upright as its camera noted.", "已按相机记录的方向旋转图片。"
)
IMAGE_TRUNCATED: Final = _notice(
    "image-truncated", "The picture ends early; it was read as far as it goes.", "图片不完整；已读取现有部分。"
)
CMYK_CONVERTED: Final = _notice(
    "cmyk-converted", "Print colours were converted to RGB.", "已将印刷色（CMYK）转换为 RGB。"
)
COLOUR_CONVERTED: Final = _notice(
    "colour-converted", "An unusual colour space was converted to RGB.", "已将特殊色彩空间转换为 RGB。"
)
ICC_CONVERTED: Final = _notice(
    "icc-converted", "Colours were converted by the picture's own profile.", "已按图片自带的色彩配置文件转换颜色。"
)
ICC_IGNORED: Final = _notice(
    "icc-ignored", "The picture's colour profile is not usable and was ignored.", "图片的色彩配置文件无法使用，已忽略。"
)
DEPTH_REDUCED: Final = _notice(
    "depth-reduced", "More than 8 bits per channel were reduced to 8.", "每通道超过 8 位的颜色已降为 8 位。"
)
PALETTE_EXPANDED: Final = _notice(
    "palette-expanded", "A colour palette was expanded to RGB.", "调色板颜色已展开为 RGB。"
)
ALPHA_FLATTENED: Final = _notice(
    "alpha-flattened", "Transparent parts were laid on a plain background.", "透明部分已合成到纯色背景上。"
)
IMAGE_DOWNSCALED: Final = _notice(
    "image-downscaled", "The picture was made smaller before it was read.", "图片在识别前已缩小。"
)
PAGE_IMAGE_TOO_SMALL: Final = _notice(
    "page-image-too-small", "The picture is too small to hold readable text.", "图片过小，难以包含可读文字。"
)
FRAMES_SKIPPED: Final = _notice(
    "frames-skipped", "Some frames could not be read and were skipped.", "部分帧无法读取，已跳过。"
)
PDF_REPAIRED: Final = _notice(
    "pdf-repaired", "The PDF is damaged; it was repaired to be read.", "PDF 已损坏；修复后读取。"
)
ACTIVE_CONTENT_IGNORED: Final = _notice(
    "active-content-ignored",
    "Macros, scripts or launch actions in the file were not run.",
    "文件中的宏、脚本或启动动作未被执行。",
)
EXTERNAL_LINKS_IGNORED: Final = _notice(
    "external-links-ignored",
    "Content that the file links to from elsewhere was not fetched.",
    "文件引用的外部内容未被加载。",
)
ATTACHMENTS_SKIPPED: Final = _notice(
    "attachments-skipped", "Files attached inside the document were not read.", "文档内附带的文件未被读取。"
)
EMBEDDED_PICTURES_SKIPPED: Final = _notice(
    "embedded-pictures-skipped", "Pictures inside the document were not read.", "文档中的图片未被识别。"
)
TEXT_LAYER_GARBLED: Final = _notice(
    "text-layer-garbled",
    "The text that the page carries is garbled; the page was read from its picture.",
    "页面自带的文本层是乱码；已改为从页面图像识别。",
)
TEXT_LAYER_INCOMPLETE: Final = _notice(
    "text-layer-incomplete",
    "The text that the page carries covers only a part of it; the page was read from its picture.",
    "页面自带的文本层只覆盖部分内容；已改为从页面图像识别。",
)
TEXT_LAYER_HIDDEN: Final = _notice(
    "text-layer-hidden",
    "The text that the page carries is an older recognition laid under its picture.",
    "页面自带的文本层是先前识别后隐藏在图像下方的文字。",
)
ENCODING_GUESSED: Final = _notice(
    "encoding-guessed", "The text does not name its encoding; it was guessed.", "文本未声明编码；编码为推测所得。"
)
CHARACTERS_REPLACED: Final = _notice(
    "characters-replaced", "Some characters could not be decoded and were replaced.", "部分字符无法解码，已被替换。"
)
TEXT_TRUNCATED: Final = _notice(
    "text-truncated", "The text is longer than the limit and was cut.", "文本超过长度上限，已被截断。"
)
OFFICE_REPAIRED: Final = _notice(
    "office-repaired",
    "Parts of the Office file are missing or damaged; the rest was read.",
    "Office 文件的部分内容缺失或损坏；其余部分已读取。",
)
PAGE_ENHANCED: Final = _notice(
    "page-enhanced", "The picture was enhanced before it was read.", "图片在识别前经过增强处理。"
)

NOTICES: Final = (
    DECLARED_TYPE_DIFFERS,
    LEADING_JUNK_SKIPPED,
    EXIF_ORIENTATION_APPLIED,
    IMAGE_TRUNCATED,
    CMYK_CONVERTED,
    COLOUR_CONVERTED,
    ICC_CONVERTED,
    ICC_IGNORED,
    DEPTH_REDUCED,
    PALETTE_EXPANDED,
    ALPHA_FLATTENED,
    IMAGE_DOWNSCALED,
    PAGE_IMAGE_TOO_SMALL,
    FRAMES_SKIPPED,
    PDF_REPAIRED,
    ACTIVE_CONTENT_IGNORED,
    EXTERNAL_LINKS_IGNORED,
    ATTACHMENTS_SKIPPED,
    EMBEDDED_PICTURES_SKIPPED,
    TEXT_LAYER_GARBLED,
    TEXT_LAYER_INCOMPLETE,
    TEXT_LAYER_HIDDEN,
    ENCODING_GUESSED,
    CHARACTERS_REPLACED,
    TEXT_TRUNCATED,
    OFFICE_REPAIRED,
    PAGE_ENHANCED,
)
