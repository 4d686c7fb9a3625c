"""What the simulated board raises."""

from __future__ import annotations


class SimError(Exception):
    """Base of all below."""


class SimFault(SimError):
    """Code run by `SimBoard.call` faulted, or did not come back.

    `cfsr`, `hfsr`, `bfar` are the fault registers, `pc` the address of the instruction that faulted.
    """

    def __init__(self, text: str, *, cfsr: int, hfsr: int, bfar: int, pc: int) -> None:
        super().__init__(f"{text} (pc {pc:#010x}, CFSR {cfsr:#010x}, HFSR {hfsr:#010x}, BFAR {bfar:#010x})")
        self.cfsr = cfsr
        self.hfsr = hfsr
        self.bfar = bfar
        self.pc = pc


class SimAccess(SimError):
    """A read or write as AP1 sees memory was refused: `address` and the reason."""

    def __init__(self, address: int, reason: str) -> None:
        super().__init__(f"{address:#010x}: {reason}")
        self.address = address


class SimTripwire(SimError):
    """A program tried what would have hurt a real board. `violations` holds a sentence for each attempt."""

    def __init__(self, violations: list[str]) -> None:
        super().__init__("refused, because it would hurt a real board: " + "; ".join(violations))
        self.violations = tuple(violations)


class NotServed(SimError):
    """No board is served at `address`, for `reason`."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"no simulated board is served at {address}: {reason}")
        self.address = address
        self.reason = reason


class ServedBusy(SimError):
    """Another client has the served board. `holder` has pid, host, since and reason, or is a text for one unknown."""

    def __init__(self, address: str, holder: dict[str, object] | str) -> None:
        super().__init__(f"the simulated board served at {address} is in use by {_who(holder)}")
        self.holder = holder


def _who(holder: dict[str, object] | str) -> str:
    if isinstance(holder, str):
        return holder
    who = f"process {holder.get('pid', '?')} on {holder.get('host', '?')} since {holder.get('since', '?')}"
    return f"{who} ({holder.get('reason', 'no reason given')})"


class BoardBusy(SimError):
    """Another process holds the state folder. `holder` has pid, command, user, host, since and reason."""

    def __init__(self, folder: str, holder: dict[str, object]) -> None:
        super().__init__(f"the simulated board {folder} is in use by {_who(holder)}")
        self.folder = folder
        self.holder = holder
