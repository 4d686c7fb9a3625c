"""Faults of the board and its NOR: from the terms of `fault=` to what the models understand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from n6prog.sim.clock import PS_PER_US
from n6prog.sim.fault_terms import Fault
from n6prog.sim.faults import NEVER
from n6prog.sim.nor.device import NorDevice
from n6prog.sim.nor.faults import NorFaults
from n6prog.sim.nor.parts import NorFacts
from n6prog.sim.nor.wire import framing
from n6prog.sim.soc.soc import Soc

if TYPE_CHECKING:
    from n6prog.sim.machine import Machine

_FLAGS = {"no-wel": "no_wel", "stuck-wip": "stuck_wip", "mute": "mute"}
_PAGES = {"drop-page": "drop_page", "flip-page": "flip_page"}
_SECTORS = {"fail-program": "fail_program", "fail-erase": "fail_erase"}
_LEFT = frozenset({"left-8s", "left-8d", "left-dpd", "mid-erase", "left-suspended"})
_CLOCK = 20_000  # 50 MHz, as an application would have driven the NOR
_UNDER_WAY = 1000 * PS_PER_US  # an erase has run this long when it is suspended
_BLOCK = 0x1_0000
_RESET = (0x66, 0x99)
_OCTAL = {"left-8s": 1, "left-8d": 2}  # CR2 at 0: SOPI, DOPI (hw-flash 2.6)


class Agenda:
    """What is to happen at moments of virtual time (picoseconds), earliest first."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, Callable[[], None]]] = []

    @property
    def next(self) -> int:
        """The time of the earliest entry, NEVER where there is none."""
        return self._entries[0][0] if self._entries else NEVER

    def add(self, moment: int, action: Callable[[], None]) -> None:
        """Do `action` at `moment`; entries of one moment keep their order."""
        self._entries.append((moment, action))
        self._entries.sort(key=lambda entry: entry[0])

    def do_next(self) -> None:
        """Take the earliest entry off and do it."""
        self._entries.pop(0)[1]()


def fit(soc: Soc, faults: Sequence[Fault]) -> None:
    """What is wrong with the board itself from the start."""
    for fault in faults:
        if fault.name == "no-vddio3" and fault.after is None and fault.transfer is None:
            take_rail(soc)
        elif fault.name == "wrong-chip":
            soc.dbgmcu.device = int(fault.argument or 0)
        elif fault.name == "life-cycle":
            soc.bsec.state = int(fault.argument or 0)


def take_rail(soc: Soc) -> None:
    """VDDIO3 goes missing: the pads of port N, where the NOR hangs, are dead."""
    soc.pwr.rail_missing |= {"vddio3"}


def arm(board: Machine, faults: Sequence[Fault]) -> None:
    """The board is open: the state its NOR was left in, and from here on times and transfers of its faults count."""
    now = board.host.now
    if board.powered:
        leave_nor(board.nor, faults, now)
    at_transfers: list[tuple[int, Callable[[], None]]] = []
    for fault in faults:
        action = _action(board, fault)
        if action is not None and fault.transfer is not None:
            at_transfers.append((fault.transfer, action))
        elif action is not None and fault.after is not None:
            board.agenda.add(now + fault.after, action)
            if fault.name == "power-cut":
                board.nor.dies_at = min(board.nor.dies_at, now + fault.after)
    board.link_faults.arm(faults, at_transfers)


def _action(board: Machine, fault: Fault) -> Callable[[], None] | None:
    """What a fault of the board or its NOR does when its time has come; None for those of the link."""
    if fault.name == "power-cut":
        return board.power_off
    if fault.name == "no-vddio3":
        return lambda: take_rail(board.soc)
    if fault.name == "chip-reset":
        return board.system_reset
    if fault.name == "boot1":
        return lambda: setattr(board, "boot1", int(fault.argument or 0))
    if fault.name == "poke":
        return lambda: board.poke(int(fault.argument or 0), fault.data)
    if fault.name in {*_FLAGS, *_PAGES, *_SECTORS}:
        return lambda: apply_to_nor(board.nor.faults, fault)
    return None


def fitted_part(part: NorFacts, faults: Sequence[Fault]) -> NorFacts:
    """The part as it answers: with another identity where `wrong-id` says so; the next smaller density by default."""
    for fault in faults:
        if fault.name == "wrong-id":
            vendor, kind, density = part.jedec
            wanted = (vendor << 16 | kind << 8 | density - 1) if fault.argument is None else int(fault.argument)
            part = replace(part, jedec=wanted.to_bytes(3, "big"))
        elif fault.name == "no-sfdp":
            part = replace(part, sfdp=b"\xff" * len(part.sfdp))
    return part


def check(faults: Sequence[Fault], part: NorFacts) -> None:
    """Raises ValueError for an offset beyond the part."""
    for fault in faults:
        offset = fault.argument
        if fault.name in {*_SECTORS, "mid-erase", "left-suspended"} and offset is not None and offset >= part.size:
            raise ValueError(f"fault {fault.name}:{int(offset):#x} lies beyond {part.name} ({part.size:#x})")


def nor_faults(faults: Sequence[Fault]) -> NorFaults:
    """What is wrong inside the NOR from the start."""
    result = NorFaults()
    for fault in faults:
        if fault.after is None and fault.transfer is None:
            apply_to_nor(result, fault)
    return result


def apply_to_nor(state: NorFaults, fault: Fault) -> None:
    """Make the NOR's own faults include `fault`; others are none of its business."""
    number = int(fault.argument or 0)
    if fault.name in _FLAGS:
        setattr(state, _FLAGS[fault.name], True)
    elif fault.name in _PAGES:
        name = _PAGES[fault.name]
        setattr(state, name, getattr(state, name) | {number})
    elif fault.name in _SECTORS:
        name = _SECTORS[fault.name]
        setattr(state, name, getattr(state, name) | {number & -0x1000})


def leave_nor(nor: NorDevice, faults: Sequence[Fault], now: int) -> None:
    """Put the NOR at `now` into the state in which an application left it, by the commands that lead there."""
    for fault in faults:
        if fault.name not in _LEFT:
            continue
        now = _to_spi(nor, max(now, nor.ready_at))
        if fault.name in _OCTAL:
            _send(nor, now, 0x06)
            _send(nor, now + PS_PER_US, 0x72, bytes(4), bytes((_OCTAL[fault.name],)))
        elif fault.name == "left-dpd":
            _send(nor, now, 0xB9)
        else:
            place = nor.part.size - _BLOCK if fault.argument is None else int(fault.argument)
            _send(nor, now, 0x06)
            _send(nor, now + PS_PER_US, 0xDC, (place & -_BLOCK).to_bytes(4, "big"))
            if fault.name == "left-suspended":
                _send(nor, now + _UNDER_WAY, 0xB0)


def _to_spi(nor: NorDevice, now: int) -> int:
    """66h 99h in the mode the NOR is in; gives the time at which it listens again."""
    if nor.mode == "1S":
        return now
    for opcode in _RESET:
        head = bytes((opcode, opcode ^ 0xFF))
        nor.transaction(now, _CLOCK, framing(nor.mode), head)
        now += PS_PER_US
    return max(now, nor.ready_at)


def _send(nor: NorDevice, now: int, opcode: int, address: bytes = b"", data: bytes = b"") -> None:
    nor.transaction(now, _CLOCK, framing("1S", len(address), bool(data)), bytes((opcode,)) + address, data)
