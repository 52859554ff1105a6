"""The models' files: found in the installed package that carries them, and known by their digests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ironleaf.foundation.errors import ModelFailure
from ironleaf.services.engines.errors import MODEL_FILES_DAMAGED

CARRIER: Final = "rapidocr"
"""The package whose wheel holds the weights. It is never imported: that would load half of its dependencies."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of weights, as released."""

    name: str
    sha256: str


DETECTION: Final = ModelFile(
    name="PP-OCRv6_det_small.onnx",
    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)
RECOGNITION: Final = ModelFile(
    name="PP-OCRv6_rec_small.onnx",
    sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
)


def find_folder() -> Path:
    """Return the folder of the installed weights.

    Raises:
        ModelFailure: ``model-files-damaged``, the carrying package is not installed.
    """
    spec = find_spec(CARRIER)
    if spec is None or not spec.submodule_search_locations:
        raise ModelFailure(MODEL_FILES_DAMAGED, context={"carrier": CARRIER, "found": False})
    return Path(spec.submodule_search_locations[0]) / "models"


def read_weights(file: ModelFile, *, folder: Path) -> bytes:
    """Return the file's bytes, which are exactly those that this release was tested with.

    Raises:
        ModelFailure: ``model-files-damaged``, the file is missing or another one.
    """
    path = folder / file.name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFailure(MODEL_FILES_DAMAGED, context={"path": str(path)}) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise ModelFailure(MODEL_FILES_DAMAGED, context={"path": str(path), "sha256": digest})
    return content
