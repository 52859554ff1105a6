"""``python -m ironleaf``. Lazy and guarded: worker processes import this module again when they start."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from ironleaf.application.cli.commands import run  # noqa: PLC0415  (workers must not load it)

    run()


if __name__ == "__main__":
    main()
