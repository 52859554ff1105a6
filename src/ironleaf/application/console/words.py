"""What the console's pages say, in both languages. Errors and warnings speak for themselves from the catalogue."""

from __future__ import annotations

from typing import Final

from ironleaf.foundation.errors import Language, NoticeEntry, Text

PAGE: Final[dict[str, Text]] = {
    "title": Text("Give it a file", "上传文件，取回文字"),
    "lead": Text(
        "A photo, a scan, a PDF or an Office file goes in; its text comes out.",
        "照片、扫描件、PDF 或 Office 文件进来，文字出去。",
    ),
    "read": Text("Read a file", "识别文件"),
    "ops": Text("Operations", "运维"),
    "api": Text("API", "API 文档"),
    "errors": Text("Errors", "错误说明"),
    "skip": Text("Skip to the text", "跳到正文"),
    "other": Text("中文", "English"),
    "drop": Text("Drop a file here, or paste one", "将文件拖到此处，或直接粘贴"),
    "choose": Text("Choose a file", "选择文件"),
    "camera": Text("Take a photo", "拍照"),
    "limit": Text("Up to {megabytes} MB and {pages} pages.", "不超过 {megabytes} MB、{pages} 页。"),
    "options": Text("Options", "选项"),
    "engine": Text("Who reads", "由谁识别"),
    "engine_auto": Text("The best that answers", "自动选择（推荐）"),
    "page_range": Text("Pages, such as 1-5,8", "页码，例如 1-5,8"),
    "password": Text("Password of a locked file", "加密文件的密码"),
    "force_ocr": Text("Read from the picture, even where the file has text", "即使文件自带文字，也从图像识别"),
    "again": Text("Read it again with these options", "按这些选项重新识别"),
    "cancel": Text("Stop", "停止"),
    "noscript": Text(
        "This page needs JavaScript. Without it, the command line and the API do the same work.",
        "此页面需要 JavaScript。没有它时，可以使用命令行或 API。",
    ),
}

SCRIPT: Final[dict[str, Text]] = {
    "sending": Text("Sending… {percent} %", "正在上传…… {percent}%"),
    "stage_waiting": Text("Waiting for its turn", "排队等待中"),
    "stage_checking": Text("Looking at the file", "正在检查文件"),
    "stage_opening": Text("Opening the file", "正在打开文件"),
    "stage_reading": Text("Reading: {done} of {pages} pages", "正在识别：已完成 {done} / {pages} 页"),
    "stage_assembling": Text("Putting the text together", "正在整理文字"),
    "elapsed": Text("{seconds} s", "{seconds} 秒"),
    "stopped": Text("Stopped. Nothing was kept.", "已停止，未保留任何内容。"),
    "unreachable": Text(
        "The service does not answer. It may be restarting; try again in a moment.",
        "服务没有响应，可能正在重启，请稍后再试。",
    ),
    "not_a_file": Text("That was not a file.", "这不是文件。"),
    "one_file": Text("One file at a time, please; the first one is read.", "一次只能识别一个文件，现在识别第一个。"),
    "failed": Text("This file could not be read", "无法识别此文件"),
    "advice": Text("What you can do", "您可以这样做"),
    "more": Text("More about this error", "了解此错误"),
    "number": Text("Request {id}", "请求编号 {id}"),
    "try_again": Text("Try again", "重试"),
    "done": Text("{read} of {pages} pages read in {seconds} s", "共 {pages} 页，已识别 {read} 页，用时 {seconds} 秒"),
    "partly": Text("Not every page could be read; each one says why.", "部分页面未能识别，原因见各页说明。"),
    "copy": Text("Copy the text", "复制文字"),
    "copied": Text("Copied", "已复制"),
    "not_copied": Text("The browser did not allow it", "浏览器不允许复制"),
    "download": Text("Download", "下载"),
    "page": Text("Page {number}", "第 {number} 页"),
    "picture_of": Text("Picture of page {number}", "第 {number} 页的图像"),
    "by": Text("Read by {engine}", "由{engine}识别"),
    "engine_vl": Text("the vision-language model", "视觉语言模型"),
    "engine_vl_named": Text("the vision-language model “{model}”", "视觉语言模型“{model}”"),
    "engine_embedded": Text("the built-in engine", "内置引擎"),
    "engine_text_layer": Text("nobody: the file carries its text", "文件自带文字，无需识别"),
    "engine_native": Text("nobody: the file is text", "文件本身就是文字，无需识别"),
    "engine_none": Text("nobody", "未能识别"),
    "by_nobody": Text("The file carries this text", "文字取自文件本身"),
    "grade_excellent": Text("Quality: excellent", "质量：优"),
    "grade_good": Text("Quality: good", "质量：良"),
    "grade_fair": Text("Quality: fair, worth a look", "质量：一般，建议核对"),
    "grade_poor": Text("Quality: poor, do not rely on it", "质量：差，请勿依赖"),
    "degraded": Text(
        "A better engine was to read this page and could not.", "本应由更好的引擎识别此页，但它未能完成。"
    ),
    "blank": Text("This page is blank.", "此页为空白页。"),
    "skipped": Text("There was no time left for this page.", "时间不足，此页未识别。"),
}

STATE: Final[dict[str, Text]] = {
    "vl_down": Text(
        "The vision-language model is not answering now. Files are read by the built-in engine meanwhile; "
        "each page says so.",
        "视觉语言模型目前没有响应。在此期间由内置引擎识别，每页都会注明。",
    ),
    "vl_some_down": Text(
        "One of the vision-language models is not answering now; the others read.",
        "其中一个视觉语言模型目前没有响应，由其他模型识别。",
    ),
    "vl_unsure": Text(
        "The vision-language model has been failing lately. Pages that it cannot read go to the built-in engine.",
        "视觉语言模型最近出现故障，无法识别的页面将交给内置引擎。",
    ),
    "embedded_down": Text(
        "The built-in engine is not running now. Only files that carry their own text, or the vision-language "
        "model where there is one, can be read.",
        "内置引擎目前未运行。只有自带文字的文件可以处理；如配置了视觉语言模型，则由其识别。",
    ),
    "stopping": Text("The service is about to stop and takes no new files.", "服务即将停止，不再接收新文件。"),
    "unable": Text(
        "The service cannot read files now. Whoever runs it has been told.", "服务目前无法识别文件，已通知管理员。"
    ),
}


def choose_words(table: dict[str, Text], language: Language) -> dict[str, str]:
    """Return the sentences of one table in one language."""
    return {name: text.in_language(language) for name, text in table.items()}


def choose_notices(notices: tuple[NoticeEntry, ...], language: Language) -> dict[str, str]:
    """Return the closed list of warnings in one language, by reason."""
    return {notice.reason: notice.message.in_language(language) for notice in notices}
