"""Which of the models that a server lists may stand in for one that vanished. Pure.

Servers rename what they serve: a replica gets a suffix, a quantisation enters
the name, a path goes before it. What is left when all that is taken off is the
family. Size and generation are part of it: a 2B model is no replica of a 7B one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ironleaf.services.engines.vision_language.client import ModelCard

_SEPARATORS: Final = re.compile(r"[\s_:@/.-]+")
_REPLICA: Final = re.compile(r"-rep\d{1,3}$")
_NUMBERED: Final = re.compile(r"-\d{1,2}$")
_PRECISION: Final = re.compile(
    r"-(?:awq|gptq|gguf|ggml|mlx|exl2|marlin|bnb|quantized|none|latest|"
    r"(?:u?int|fp|bf|nf)\d{1,2}|fp8-dynamic|[248]bit|[248]-bit|w\d{1,2}a\d{1,2}(?:fp8)?|"
    r"i?q\d(?:-\d|-k(?:-[sml])?|-xxs|-xs|-s|-m)?)(?=-|$)"
)
_SEEING: Final = re.compile(
    r"(?:^|-)(?:\d*[a-z]*vlm?\d*|\d+v|vision|visual|omni|qvq|pixtral|moondream|paligemma|florence|kosmos)(?:-|$)"
    r"|ocr|llava|minicpm-?[vo]|gpt-4o|gemini"
)


def name_family(name: str) -> str:
    """Return the family of a model's name: without path, replica, precision and case."""
    plain = _SEPARATORS.sub("-", name.strip().casefold().replace("\\", "/").rstrip("/").rpartition("/")[2])
    plain = _REPLICA.sub("", plain.strip("-"))
    while (shorter := _PRECISION.sub("", plain)) != plain:
        plain = shorter
    return plain


def is_same_family(wanted: str, offered: str) -> bool:
    """Tell whether two names mean the same model; a bare replica number is seen through, a generation is not."""
    one, other = name_family(wanted), name_family(offered)
    if not one or not other:
        return False
    if one == other:
        return True
    stem_one, stem_other = _NUMBERED.sub("", one), _NUMBERED.sub("", other)
    if stem_one != stem_other:
        return False
    # internvl-2 and internvl-3 are two models; x-0 and x-1, or x and x-0, are replicas of one
    return stem_one in {one, other} or "-0" in {one.removeprefix(stem_one), other.removeprefix(stem_other)}


def sees_images(card: ModelCard) -> bool:
    """Tell whether a listed model sees images: as the server says, else by its names."""
    if card.sees_images is not None:
        return card.sees_images
    return any(_SEEING.search(name_family(name)) for name in (card.id, *card.families))


def choose_candidates(
    cards: Iterable[ModelCard], wanted: str, *, families: Sequence[str] = ()
) -> tuple[ModelCard, ...]:
    """Return who may stand in for ``wanted``, the best first: itself, then seeing models of its family.

    ``families`` are other names by which the server called it while it was there.
    A model that sees no images is never among them.
    """
    cards = tuple(cards)
    itself = [card for card in cards if card.id == wanted and card.sees_images is not False]
    names = (wanted, *families)
    kin = [
        card
        for card in cards
        if card.id != wanted
        and sees_images(card)
        and any(is_same_family(name, offered) for name in names for offered in (card.id, *card.families))
    ]
    kin.sort(key=lambda card: card.sees_images is not True)  # those that the server vouches for come first
    return (*itself, *kin)
