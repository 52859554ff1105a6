"""Families of vision-language models as data: prompt, picture, limits, form of the answer."""

from ironleaf.services.engines.profiles.base import CleanUp, ImageStyle, Profile, ProfileError, ReplyForm
from ironleaf.services.engines.profiles.loader import list_profiles, load_profile

__all__ = ["CleanUp", "ImageStyle", "Profile", "ProfileError", "ReplyForm", "list_profiles", "load_profile"]
