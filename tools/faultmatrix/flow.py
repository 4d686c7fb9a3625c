"""The flow under test, as a script uses it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import n6prog
from n6prog.errors import N6ProgError
from n6prog.events import Event, EventType

from .cases import Case

BOARD = "nucleo-n657x0-q"


def spec(case: Case, state: Path, fault: str = "") -> str:
    """The board of a case, as `--probe` takes it."""
    text = f"sim:{BOARD},state={state},link={case.link},seed={case.number},schedule={case.schedule}"
    return f"{text},fault={fault}" if fault else text


def flashed(case: Case, probe: str, files: Sequence[str], tell: Callable[[dict[str, Any]], None]) -> tuple[int, str]:
    """Flash through the API; events go to `tell` as plain data. Gives the exit code, and a traceback if any.

    An interrupt that comes after the flow has told its end, while the board is let go, is the script's own affair.
    """
    done = False

    def hear(event: Event) -> None:
        nonlocal done
        done = done or (event.type is EventType.END and event.data["ok"] is True)
        tell({"type": str(event.type), "data": dict(event.data)})

    try:
        with n6prog.connect(
            probe,
            swd_clock=case.clock,
            lazy=True,
            on_event=hear,
        ) as board:
            board.flash(*files)
    except N6ProgError as error:
        return int(error.exit_code), ""
    except KeyboardInterrupt:
        return 0 if done else 130, ""
    except BaseException:  # noqa: BLE001  whatever it is, it is a finding of this matrix
        return 1, traceback.format_exc()
    return 0, ""
