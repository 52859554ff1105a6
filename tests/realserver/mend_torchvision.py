"""Lets torchvision be imported beside a torch without CUDA. Run once by the servers' Python, after the install.

The released torchvision is built for CUDA; beside another torch its compiled operators do not load, and the import
fails because two of them are described further on. Their schemas are all that is missed: the servers never call them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

MARK = "# operator schemas for a torch without CUDA\n"
SCHEMAS = (
    "import torch as _torch\n"
    '_schemas = _torch.library.Library("torchvision", "DEF")\n'
    'for _name in ("nms", "qnms"):\n'
    '    _schemas.define(_name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")\n'
)


def main() -> None:
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        raise SystemExit("torchvision is not installed here")
    path = Path(found.origin)
    source = path.read_text(encoding="utf-8")
    if not source.startswith(MARK):
        path.write_text(f"{MARK}{SCHEMAS}{source}", encoding="utf-8")


if __name__ == "__main__":
    main()
