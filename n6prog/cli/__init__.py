"""The command line. `main` is its door; each command loads only what it needs."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; `argv` without the program's name (None: sys.argv). Gives the exit code."""
    from n6prog.cli.app import run

    return run(argv)
