"""The runbooks: a page for each rule, served at `/runbooks/{rule}`; `docs/runbooks` is a link to this directory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

from ironleaf.foundation.alerting.rules import ALL_RULES
from ironleaf.foundation.errors import Language

CHINESE_HEADING: Final = "## 中文"
_CODE: Final = re.compile(r"`([^`]+)`")
_BOLD: Final = re.compile(r"\*\*([^*]+)\*\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One page, in both languages, as HTML that is safe to show."""

    rule: str
    en: str
    zh: str

    def in_language(self, language: Language) -> str:
        """Return the page's body in ``language``."""
        return self.zh if language == "zh" else self.en


@cache
def find_runbook(rule: str) -> Runbook | None:
    """Return the runbook of a rule, if there is such a rule."""
    if rule not in ALL_RULES:
        return None
    text = files("ironleaf.application.runbooks").joinpath(f"{rule}.md").read_text(encoding="utf-8")
    english, _, chinese = text.partition(CHINESE_HEADING)
    title = f"<h1>{escape(rule)}</h1>"
    lead = f"<p>{escape(ALL_RULES[rule].sentence.zh)}</p>"
    return Runbook(rule=rule, en=_render(english), zh=title + lead + _render(chinese))


def _render(text: str) -> str:
    """Return the HTML of the little Markdown that runbooks use: headings, paragraphs, lists, code and bold words."""
    return "".join(_render_block(block) for block in text.strip().split("\n\n"))


def _render_block(block: str) -> str:
    if block.startswith("# "):
        return f"<h1>{_inline(block[2:])}</h1>"
    if block.startswith("## "):
        return f"<h2>{_inline(block[3:])}</h2>"
    if block.startswith("- "):
        return f"<ul>{''.join(f'<li>{_inline(line[2:])}</li>' for line in block.splitlines())}</ul>"
    return f"<p>{_inline(block)}</p>"


def _inline(text: str) -> str:
    return _BOLD.sub(r"<b>\1</b>", _CODE.sub(r"<code>\1</code>", escape(text, quote=False)))
