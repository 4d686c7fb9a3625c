"""What of a NOR is kept between two processes, JSON-able; the content is kept by its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from n6prog.sim.nor.operation import Operation

if TYPE_CHECKING:
    from n6prog.sim.nor.device import NorDevice

_PLAIN = (
    "mode", "wel", "powered", "power_down", "otp", "burst", "reset_enabled", "reset_low", "boot_read", "ready_at",
    "status_polls",
)  # fmt: skip
_REGISTERS = ("bp", "cr", "scur", "fbr", "cr2_default")
_PROTECTION = ("lock", "spb", "dpb")


class NorState(TypedDict):
    """A NOR in the middle of whatever it does.

    Non-volatile, beside the content: bp, TB in cr, scur, fbr, cr2_default, lock, spb, password, otp_area,
    double_programmed.
    """

    mode: str
    wel: bool
    powered: bool
    power_down: bool
    otp: bool
    burst: int
    reset_enabled: bool
    reset_low: bool
    boot_read: bool
    ready_at: int
    status_polls: int
    registers: dict[str, int]
    cr2: dict[str, int]
    protection: dict[str, int]
    password: str
    otp_area: str
    ecc: list[list[int]]
    operation: dict[str, object] | None
    suspended: dict[str, object] | None
    programs: int
    aborts: int
    double_programmed: list[int]
    floating: dict[str, int]


def snapshot(device: NorDevice) -> NorState:
    """The state of `device`."""
    return {
        "mode": device.mode,
        "wel": device.wel,
        "powered": device.powered,
        "power_down": device.power_down,
        "otp": device.otp,
        "burst": device.burst,
        "reset_enabled": device.reset_enabled,
        "reset_low": device.reset_low,
        "boot_read": device.boot_read,
        "ready_at": device.ready_at,
        "status_polls": device.status_polls,
        "registers": {name: getattr(device.registers, name) for name in _REGISTERS},
        "cr2": {str(address): value for address, value in device.registers.cr2.items()},
        "protection": {name: getattr(device.protection, name) for name in _PROTECTION},
        "password": device.protection.password.hex(),
        "otp_area": bytes(device.otp_area.content).hex(),
        "ecc": [list(device.ecc.status), list(device.ecc.address)],
        "operation": device.operation.as_json() if device.operation else None,
        "suspended": device.suspended.as_json() if device.suspended else None,
        "programs": device.operations.programs,
        "aborts": device.operations.aborts,
        "double_programmed": sorted(device.array.double_programmed),
        "floating": device.floating.snapshot(),
    }


def restore(device: NorDevice, state: NorState) -> None:
    """Put `device` into `state`. Raises KeyError, TypeError, ValueError on what `snapshot` did not give."""
    for name in _PLAIN:
        setattr(device, name, state[name])  # type: ignore[literal-required]
    registers, protection = device.registers, device.protection
    for name in _REGISTERS:
        setattr(registers, name, state["registers"][name])
    registers.cr2 = {int(address): value for address, value in state["cr2"].items()}
    for name in _PROTECTION:
        setattr(protection, name, state["protection"][name])
    protection.password = bytes.fromhex(state["password"])
    device.otp_area.content[:] = bytes.fromhex(state["otp_area"])
    device.ecc.status, device.ecc.address = (list(values) for values in state["ecc"])
    device.operation = Operation.from_json(state["operation"]) if state["operation"] else None
    device.suspended = Operation.from_json(state["suspended"]) if state["suspended"] else None
    device.operations.programs = state["programs"]
    device.operations.aborts = state["aborts"]
    device.array.double_programmed = set(state["double_programmed"])
    device.floating.restore(state["floating"])
    device.changed()
