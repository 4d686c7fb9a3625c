"""Getting a debug port to answer again after a transfer that failed."""

from __future__ import annotations

from typing import Any


def recover(dp: Any, probe: Any) -> None:
    """Clear the sticky errors; where that does not go through, start anew on the wire and power debug up again.

    The chip behind it is not touched, and a core that runs runs on. Raises pyOCD's errors.
    """
    from pyocd.core.exceptions import TransferError
    from pyocd.coresight.dap import DPConnector

    for _ in range(2):
        try:
            dp.clear_sticky_err()
            dp.flush()
        except TransferError:
            DPConnector(probe).connect()
            dp.power_up_debug()
        else:
            return
