"""The command line. `main` is its door; each command loads only what it needs."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]

# So many objects come and do not go before cycles among them are looked for. Importing pyOCD makes tens of thousands
# that stay: with Python's 700 a third of that time goes into looking at them again and again.
_COLLECTED = 200_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; `argv` without the program's name (None: sys.argv). Gives the exit code."""
    import atexit
    import gc

    gc.set_threshold(_COLLECTED)
    atexit.register(gc.freeze)  # nor when the process ends, which gives everything back anyway: a tenth of a second
    from n6prog.cli.app import run

    return run(argv)
