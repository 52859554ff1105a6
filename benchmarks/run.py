"""Run the benchmarks that need nothing but the checkout, one after the other: python benchmarks/run.py [NAME...]."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ALONE = ("redaction", "sink", "verdicts", "breaker_simulation", "overload", "vl_client", "service", "sandbox", "bombs")
"""The others want a folder, a peer or much time; README.md says which and how."""


def main() -> int:
    names = sys.argv[1:] or ALONE
    unknown = [name for name in names if not (HERE / f"{name}.py").exists()]
    if unknown:
        sys.exit(f"no such benchmark; there are: {', '.join(sorted(path.stem for path in HERE.glob('*.py')))}")
    failed = []
    for name in names:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
