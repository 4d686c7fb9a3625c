"""What the first bytes of a frame are in each bus mode: the command, and how many bytes of what it takes."""

from __future__ import annotations

from dataclasses import dataclass

from n6prog.sim.nor.commands import COMMANDS, Command

OPCODE_BYTES = {"1S": 1, "8S": 2, "8D": 2}
_ENDLESS = 1 << 32  # more data than a frame ever has


@dataclass(frozen=True, slots=True)
class Decoded:
    """A command in one mode: its address bytes, and the fewest and most data bytes a write acts on.

    Any other number of them and the device does not act (hw-flash 2.4, rule 2). `guarded`: the tripwire looks at it.
    """

    command: Command
    address: int
    least: int
    most: int
    guarded: bool


_GUARDED = frozenset({"WRSR", "WRCR2"})  # forbidden with some values


def _decoded(command: Command, mode: str) -> Decoded:
    least, most = command.data
    if mode != "1S" and command.paired:
        least = most = 2 if mode == "8D" else 1
    elif most is None:
        least, most = 2 if mode == "8D" else least, _ENDLESS
    address = command.spi_address if mode == "1S" else command.opi_address
    return Decoded(command, address, least, most, bool(command.forbidden) or command.name in _GUARDED)


def _opcode(opcode: int, mode: str) -> bytes:
    """In the octal modes its complement follows."""
    return bytes((opcode, opcode ^ 0xFF))[: OPCODE_BYTES[mode]]


DECODED = {
    mode: {
        _opcode(opcode, mode): _decoded(command, mode) for opcode, command in COMMANDS.items() if mode in command.modes
    }
    for mode in OPCODE_BYTES
}
