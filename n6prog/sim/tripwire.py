"""The tripwire: what would hurt a real board is refused, written down, and fails the run."""

from __future__ import annotations


class Tripwire:
    """Collects what a program tried to do to the board that cannot be undone.

    The device models refuse the act themselves; whoever owns the board looks at `violations` when it ends the run.
    """

    def __init__(self) -> None:
        self.violations: list[str] = []

    def violation(self, text: str) -> None:
        """Write down one refused act; the same act many times is written once."""
        if text not in self.violations:
            self.violations.append(text)
