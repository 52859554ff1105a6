"""Reads the profiles: one TOML file a family, beside this module or in the operator's own folder."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ironleaf.document import ImageEncoding
from ironleaf.services.engines.profiles.base import CleanUp, ImageStyle, Profile, ProfileError, ReplyForm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BUILT_IN: Final = Path(__file__).parent / "families"

_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "reply_form": ReplyForm,
    "encoding": ImageEncoding,
    "image_style": ImageStyle,
    "clean_up": lambda values: frozenset(CleanUp(value) for value in values),
}
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "image_first": (bool,),
    **dict.fromkeys(("jpeg_quality", "side_px_max", "pixels_max", "max_tokens"), (int,)),
    **dict.fromkeys(("aspect_ratio_max", "temperature", "top_p"), (int, float)),
}
"""What TOML must hold for a field; for all others a text or, where there is a reader, what that takes."""


_REQUIRED: Final = frozenset(
    field.name
    for field in dataclasses.fields(Profile)
    if field.default is field.default_factory is dataclasses.MISSING and field.name != "name"
)


def list_profiles(*folders: Path) -> tuple[str, ...]:
    """Return the names of all profiles, sorted."""
    return tuple(sorted({file.stem for folder in (BUILT_IN, *folders) for file in folder.glob("*.toml")}))


def load_profile(name: str, *folders: Path) -> Profile:
    """Return the profile called ``name``; the operator's ``folders`` go before the built-in ones.

    Raises:
        ProfileError: there is none of that name, or its file is not as it must be.
    """
    if name not in list_profiles(*folders):
        raise ProfileError(f"profile: must be one of {', '.join(list_profiles(*folders))}")
    file = next(path for folder in (*folders, BUILT_IN) if (path := folder / f"{name}.toml").is_file())
    try:
        fields = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProfileError(f"profile: {name} cannot be read as TOML") from error
    return _make_profile(name, fields)


def _make_profile(name: str, fields: dict[str, Any]) -> Profile:
    known = {field.name for field in dataclasses.fields(Profile)} - {"name"}
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ProfileError(f"profile: in {name} there is no field {', '.join(unknown)}")
    missing = sorted(_REQUIRED - set(fields))
    if missing:
        raise ProfileError(f"profile: {name} lacks {', '.join(missing)}")
    return Profile(name=name, **{key: _read_field(name, key, value) for key, value in fields.items()})


def _read_field(name: str, key: str, value: Any) -> Any:
    try:
        if key in _READERS:
            return _READERS[key](value)
    except (TypeError, ValueError) as error:
        raise ProfileError(f"profile: in {name} {key} is none of the values that it may have") from error
    if type(value) not in _KINDS.get(key, (str,)):
        raise ProfileError(f"profile: in {name} {key} is of the wrong kind")
    return value
