from __future__ import annotations

from ironleaf.application.allowance import TextAllowance
from ironleaf.document import Block, BlockKind, EngineName, PageResult


def reading(*texts: str) -> PageResult:
    blocks = tuple(Block(kind=BlockKind.PARAGRAPH, text=text) for text in texts)
    return PageResult(engine=EngineName.NATIVE, text="\n".join(texts), blocks=blocks)


def test_pages_share_what_a_file_may_give() -> None:
    allowance = TextAllowance(12)
    first = reading("abcde", "fg")
    assert allowance.spend(first) is first  # 8 with the line break
    cut = allowance.spend(reading("hijk", "l"))
    assert (cut.text, [block.text for block in cut.blocks], cut.warnings) == ("hijk", ["hijk"], ("text-truncated",))
    nothing = allowance.spend(reading("mn"))
    assert (nothing.text, nothing.blocks, nothing.warnings) == ("", (), ("text-truncated",))
    empty = reading("")
    assert allowance.spend(empty) is empty


def test_a_block_is_cut_within() -> None:
    cut = TextAllowance(7).spend(reading("abcd", "efgh", "ij"))
    assert [block.text for block in cut.blocks] == ["abcd", "efg"]
