"""The VL engine: any OpenAI-compatible server that sees images."""

from ironleaf.services.engines.vision_language.answer import (
    Answer,
    AnswerRejected,
    Classify,
    Judge,
    Rejection,
    UpstreamFailure,
    Watch,
)
from ironleaf.services.engines.vision_language.client import ModelCard
from ironleaf.services.engines.vision_language.engine import VisionLanguageEngine
from ironleaf.services.engines.vision_language.settings import BackendSettings

__all__ = [
    "Answer",
    "AnswerRejected",
    "BackendSettings",
    "Classify",
    "Judge",
    "ModelCard",
    "Rejection",
    "UpstreamFailure",
    "VisionLanguageEngine",
    "Watch",
]
