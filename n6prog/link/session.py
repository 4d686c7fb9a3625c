"""Our own pyOCD session: no configuration file, no user script, no output, and the working directory left alone."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from n6prog.errors import UsageError
from n6prog.link.definition import register_targets
from n6prog.targets.schema import BoardProfile, load_part

CONNECT_MODES = {
    "auto": "halt",
    "halt": "halt",
    "attach": "attach",
    "under-reset": "under-reset",
    # what other tools call them
    "ur": "under-reset",
    "hotplug": "attach",
}
"""Our connect modes (any case) and pyOCD's."""


def connect_mode(name: str) -> str:
    """pyOCD's name of a connect mode. Raises UsageError E-CONNECT-MODE."""
    try:
        return CONNECT_MODES[name.lower()]
    except KeyError:
        raise UsageError.of("E-CONNECT-MODE", name) from None


def quiet() -> None:
    """Keep pyOCD's log messages off stderr; handlers that the application puts on the root logger still get them."""
    for name in ("pyocd", "usb"):
        logger = logging.getLogger(name)
        if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            logger.addHandler(logging.NullHandler())


@contextmanager
def same_directory() -> Iterator[None]:
    """Undo the change of directory that pyOCD's Session makes."""
    try:
        before: str | None = str(Path.cwd())
    except OSError:  # the directory was removed under us
        before = None
    try:
        yield
    finally:
        if before is not None:
            os.chdir(before)


def close_quietly(session: Any, probe: Any) -> None:
    """Close what is open and does not work; what it was that failed first is the one to tell."""
    for item in (session, probe):
        with suppress(Exception):
            if item is not None and probe.is_open:
                item.close()


def target_name(board: BoardProfile) -> str:
    """The name of the pyOCD target whose flash region is as large as this board's NOR, or the next larger."""
    return "stm32n657x0" if load_part(board.part).size <= 0x400_0000 else "stm32n6570_dk"


def make_session(probe: Any, board: BoardProfile, *, frequency: int, mode: str) -> Any:
    """A pyOCD Session, not yet open. `mode` is one of pyOCD's connect modes, `frequency` in hertz."""
    quiet()
    register_targets()
    from pyocd.core.session import Session

    options = {
        "target_override": target_name(board),
        "connect_mode": mode,
        "frequency": frequency,
        "no_config": True,
        # A directory in which nobody's pyocd_user.py can lie: pyOCD would run it.
        "project_dir": str(Path(__file__).resolve().parent),
        "hide_programming_progress": True,
        "resume_on_disconnect": False,
        # Waits after a reset are made in the probe's time by the target class.
        "reset.hold_time": 0,
        "reset.post_delay": 0,
        "keep_unwritten": True,
    }
    with same_directory():
        return Session(probe, options=options, option_defaults=None)
