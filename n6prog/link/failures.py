"""What pyOCD, the USB driver and the simulated board raise, as findings: what was seen, with evidence.

The codes are told apart here because connecting goes by them (another clock after E-NOANSWER, another try when busy).
What the evidence means, `doctor.explain` says.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from n6prog.errors import FlashFailure, N6ProgError, ProbeNotFound, TargetUnreachable, UsageError
from n6prog.findings import Finding, finding
from n6prog.link.clock import format_clock
from n6prog.link.find import describe, holder_of
from n6prog.link.holder import in_use
from n6prog.targets import chip
from n6prog.targets.schema import BoardProfile, board_names, load_board

_USB_ERRORS = {errno.ETIMEDOUT: "no answer", errno.ENODEV: "gone"}
_POWERED = 1.0  # volts; less is what an unpowered board measures, 1.8 V the least that a powered one does


@dataclass(slots=True)
class Attempt:
    """What has been tried so far, for the evidence: the probe object and the SWD clocks in hertz.

    `target`: pyOCD's target once it is connected. `tripped`: what the simulated board's tripwire caught and was told.
    `board`: the profile in use. `powered`: False once the probe measured a target without supply.
    """

    probe: Any
    clocks: list[int] = field(default_factory=list)
    target: Any = None
    tripped: set[str] = field(default_factory=set)
    board: BoardProfile | None = None
    powered: bool = True

    @property
    def name(self) -> str:
        """The probe as the user knows it."""
        return f"{self.probe.product_name} {self.probe.unique_id}".strip()

    @property
    def voltage(self) -> float | None:
        """The target's voltage as the probe measures it; None where it does not."""
        return getattr(getattr(self.probe, "_link", None), "target_voltage", None)

    def evidence(self) -> dict[str, str | int | float | None]:
        """Voltage, clocks and, where it is known, the probe's firmware, in the order to read them."""
        voltage = self.voltage
        firmware = describe(self.probe).firmware
        return {
            "voltage": "unknown" if voltage is None else f"{voltage:.2f} V",
            "clocks": " and ".join(format_clock(clock) for clock in dict.fromkeys(self.clocks)),
            **({"firmware": firmware} if firmware else {}),
        }


def when_connecting(error: Exception, attempt: Attempt) -> N6ProgError | None:
    """The exception of n6prog for what went wrong while connecting, or None when it is none of ours to explain."""
    from pyocd.core import exceptions

    from n6prog.targets.stm32n657 import CorePortClosed, CorePortDead

    known = _simulated(error, attempt) or _busy(error, attempt)
    if known is not None:
        return known
    if isinstance(error, CorePortClosed):
        return _closed(error, attempt)
    if isinstance(error, CorePortDead):
        return TargetUnreachable.of("E-AP1-DEAD", attempt.name, AP0="ok", AP1="open, silent", **attempt.evidence())
    if isinstance(error, exceptions.Error):
        if _is_usb(error):
            return _lost(error, attempt, str(error))
        dead = _dead_probe(attempt)
        if dead is not None:
            return _lost(dead, attempt, f"{dead}; {error}")
        voltage = attempt.voltage
        if voltage is not None and voltage < _POWERED:
            attempt.powered = False  # whatever seemed to answer: the ST-LINK itself
            reason = f"the target has no power: {voltage:.2f} V; {error}"
            return TargetUnreachable.of("E-NOANSWER", attempt.name, reason=reason, **attempt.evidence())
        # What pyOCD raises before the debug port has answered; the rest comes from what stands behind it.
        silent = isinstance(error, exceptions.ProbeError | exceptions.TransferError)
        code = "E-NOANSWER" if silent else "E-CONNECT"
        return TargetUnreachable.of(code, attempt.name, reason=str(error), **attempt.evidence())
    return None


def _closed(error: Any, attempt: Attempt) -> N6ProgError:
    asked = f"{error.tries} tries, {error.waited * 1000:.0f} ms"
    dpidr = f"0x{error.dpidr:08X}"
    if error.sr is None:
        reason = f"DPIDR {dpidr}, no DBGMCU at {chip.AP0_DBGMCU:#010x} through AP0, {asked}"
        return TargetUnreachable.of("E-WRONG-CHIP", attempt.name, reason=reason, **attempt.evidence())
    evidence: dict[str, str | int | float | None] = {
        "DPIDR": dpidr,
        "AP0": "ok",
        "AP1": f"closed ({asked})",
        "DBGMCU_SR.17": error.sr >> 17 & 1,
    }
    return TargetUnreachable(
        _with_boot_help(finding("E-AP1-CLOSED", attempt.name, **evidence, **attempt.evidence()), attempt)
    )


def _with_boot_help(found: Finding, attempt: Attempt) -> Finding:
    """The finding with the jumpers of the user's own board in place of those of ST's two."""
    board = attempt.board
    if board is None or any(board.boot_help == load_board(name).boot_help for name in board_names()):
        return found
    help_text = board.boot_help.rstrip(". ")
    return replace(found, cure=f"{board.title}: {help_text}. Then unplug and replug the power.")


def _busy(error: Exception, attempt: Attempt) -> N6ProgError | None:
    """EBUSY and EACCES of the USB driver, wherever in the chain, and the simulated board's lock."""
    link: BaseException | None = error
    while link is not None:
        holder = getattr(link, "holder", None)
        if holder is not None:
            return in_use(attempt.name, holder)
        number = getattr(link, "errno", None)
        if number == errno.EBUSY:
            return in_use(attempt.name, holder_of(attempt.probe) or {})
        if number == errno.EACCES:
            return ProbeNotFound.of("E-PROBE-ACCESS", attempt.name, reason=str(link))
        if number == errno.ENODEV:
            return _lost(error, attempt, str(link))
        link = link.__cause__
    return None


def _simulated(error: Exception, attempt: Attempt) -> N6ProgError | None:
    """What only the simulated board's probe raises: the tripwire, a folder or a server that cannot be used."""
    violations = getattr(error, "violations", None)
    if violations is not None:
        return tripwire(violations, attempt)
    if type(error).__name__ in (
        "ProbeState",
        "StateNotKept",
    ):  # by name: sim is imported only when a simulated probe is asked for
        return UsageError.of("E-SIM-STATE", str(getattr(error, "folder", "")), reason=str(getattr(error, "reason", "")))
    if type(error).__name__ == "ProbeNotServed":
        return ProbeNotFound.of(
            "E-SIM-SERVE", str(getattr(error, "address", "")), reason=str(getattr(error, "reason", ""))
        )
    if type(error).__name__ == "AnotherBoard":
        return UsageError.of("E-SIM-SPEC", str(getattr(error, "spec", "")), reason=str(getattr(error, "reason", "")))
    return None


def tripwire(violations: Iterable[str], attempt: Attempt) -> N6ProgError:
    """The FlashFailure for what the simulated board's tripwire caught; from now on it counts as told."""
    caught = list(violations)
    attempt.tripped.update(caught)
    return FlashFailure.of("E-SIM-TRIPWIRE", attempt.name, reason="; ".join(caught))


def core_port_closed(attempt: Attempt) -> bool:
    """Whether AP0 says that AP1 is closed: after a fault of a port that was open, that means a reset of the chip."""
    from pyocd.core import exceptions

    try:
        sr = attempt.target.read_ap0(chip.AP0_DBGMCU_SR) if attempt.target is not None else chip.DBGMCU_SR_AP1_ENABLE
    except (exceptions.Error, OSError):  # OSError: pyOCD's CMSIS-DAP driver lets libusb's through
        return False
    return not sr & chip.DBGMCU_SR_AP1_ENABLE


def _core_port(attempt: Attempt, doing: str) -> dict[str, str]:
    """What `core_port_closed` adds to the evidence of a fault."""
    return {"AP1": "closed", "doing": doing} if core_port_closed(attempt) else {}


def _lost(error: Exception, attempt: Attempt, reason: str, **more: str) -> N6ProgError:
    """E-LINK-LOST, with what the USB driver said: "no answer" (a time-out) or "gone" (no such device)."""
    timed_out = "Timeout reading from probe" in str(error)  # pyOCD's CMSIS-DAP driver keeps no error number
    usb = "no answer" if timed_out else _USB_ERRORS.get(_errno(error))
    if usb is None:
        _dead_probe(attempt)  # measures the target's voltage anew
    told = {"usb": usb} if usb else {}
    return TargetUnreachable.of("E-LINK-LOST", attempt.name, reason=reason, **told, **more, **attempt.evidence())


def _dead_probe(attempt: Attempt) -> Exception | None:
    """What an ST-LINK raises that answers USB no more; None where it lives, or cannot be asked.

    pyOCD tells a probe that hung while it connected as a target that was not detected.
    """
    from pyocd.core import exceptions

    ask = getattr(getattr(attempt.probe, "_link", None), "get_target_voltage", None)
    try:
        if ask is not None and attempt.probe.is_open:
            ask()
    except exceptions.Error as error:
        return error if _is_usb(error) else None
    return None


def _errno(error: BaseException) -> int:
    """The error number of the USB driver, wherever in the chain; 0 where there is none."""
    link: BaseException | None = error
    while link is not None:
        number = getattr(link, "errno", None)
        if number:
            return int(number)
        link = link.__cause__
    return 0


def _is_usb(error: Exception) -> bool:
    return "USB" in str(error) or type(error).__name__ == "ProbeDisconnected"


@contextmanager
def explained(attempt: Attempt, doing: str, address: int = 0, size: int = 0) -> Iterator[None]:
    """Turn what pyOCD raises inside into findings: a refused access at `address`, else a lost link while `doing`."""
    from pyocd.core import exceptions

    from n6prog.targets.stm32n657 import CorePortClosed

    try:
        yield
    except CorePortClosed as exc:
        raise _closed(exc, attempt) from exc
    except exceptions.TransferFaultError as exc:
        port = _core_port(attempt, doing)
        if size:
            at = exc.fault_address if exc.fault_address is not None else address
            where = at if address <= at < address + size else address
            raise TargetUnreachable.of("E-BUS-FAULT", doing, address=where, size=size, reason=str(exc), **port) from exc
        raise _lost(exc, attempt, f"{doing}: {exc}", **port) from exc
    except exceptions.TimeoutError as exc:
        raise TargetUnreachable.of("E-NO-HALT", doing, reason=str(exc)) from exc
    except exceptions.Error as exc:
        raise (_simulated(exc, attempt) or _lost(exc, attempt, f"{doing}: {exc}")) from exc
    except OSError as exc:
        known = _simulated(exc, attempt) or _busy(exc, attempt)
        raise (known or _lost(exc, attempt, f"{doing}: {exc}")) from exc
