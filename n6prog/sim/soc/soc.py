"""The chip around the core: every peripheral address, the clocks that gate them, and the XSPI2 window.

The caller sets `time` to the timeline of the bus master before each access. Speed: `readers` and `writers` map
address >> 10 (both aliases) to the function that serves the access, so a caller may go there directly; `hot` maps whole
addresses to faster ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from n6prog.sim.clock import Timeline, TimeModel
from n6prog.sim.nor.device import NorDevice
from n6prog.sim.soc import rcc as clocks
from n6prog.sim.soc.block import Block
from n6prog.sim.soc.boards import BoardFacts
from n6prog.sim.soc.bsec import Bsec
from n6prog.sim.soc.bus import BusFault, BusHang
from n6prog.sim.soc.debug import Dbgmcu
from n6prog.sim.soc.gpio import Gpio
from n6prog.sim.soc.power import Pwr, Ramcfg, Syscfg
from n6prog.sim.soc.rcc import Rcc
from n6prog.sim.soc.stubs import Rifsc, Uart, Watchdog
from n6prog.sim.soc.xspi import Xspi
from n6prog.sim.soc.xspi_hot import data_reader, status_reader
from n6prog.sim.soc.xspi_map import DR, SR
from n6prog.sim.soc.xspi_window import Window
from n6prog.sim.soc.xspim import NOWHERE, Route, Xspim
from n6prog.sim.tripwire import Tripwire

Read = Callable[[int, int], int]
Write = Callable[[int, int, int], None]

SECURE = 0x1000_0000
PAGE = 10
WINDOW, WINDOW_SIZE = 0x7000_0000, 0x1000_0000

# memory: (MEMENR bit) that must be on; shut-down bits are RAMCFG's
_MEMORY_BITS = {
    "axisram3": 0, "axisram4": 1, "axisram5": 2, "axisram6": 3, "ahbsram1": 4, "ahbsram2": 5, "bkpsram": 6,
    "axisram1": 7, "axisram2": 8, "flexram": 9, "npuram": 10, "vencram": 11, "bootrom": 12,
}  # fmt: skip


class Soc:
    """All peripherals. `board` says what is fitted, `nor` is the flash on XSPIM port 2."""

    def __init__(self, board: BoardFacts, nor: NorDevice, tripwire: Tripwire, model: TimeModel) -> None:
        self.board = board
        self.nor = nor
        self.tripwire = tripwire
        self.model = model
        self.time = Timeline()
        self.readers: dict[int, Read] = {}
        self.writers: dict[int, Write] = {}
        self.hot: dict[int, Read] = {}
        self.on_mapping_changed: Callable[[], None] | None = None
        self._routes: dict[int, Route] = {}
        self._gates: list[tuple[Block, tuple[int, int] | None]] = []
        self._held: set[str] = set()
        self.rcc = Rcc(0x4602_8000, self._clocks_changed)
        self.pwr = Pwr(0x4602_4800, board.rails_1v8, tripwire, self._routes_changed)
        self.syscfg = Syscfg(0x4600_8000)
        self.bsec = Bsec(0x4600_9000, tripwire, dict(board.fuses))
        self.dbgmcu = Dbgmcu(0x4400_1000)
        self.ramcfg = Ramcfg(0x4202_3000)
        self.gpio = {letter: Gpio(letter, base, self._routes_changed) for letter, base in _port_bases()}
        self.xspim = Xspim(0x4802_B400, self._any_xspi_enabled, self._routes_changed)
        self.xspi1 = Xspi(1, 0x4802_5000, self)
        self.xspi2 = Xspi(2, 0x4802_A000, self)
        self.xspi3 = Xspi(3, 0x4802_D000, self)
        self.uart = Uart("USART1", 0x4200_1000)
        self.lpuart = Uart("LPUART1", 0x4600_0C00)
        self._populate()
        self.blocks = {block.name: block for block, _ in self._gates}
        self._build_pages()

    def _populate(self) -> None:
        """Every block with the RCC enable bit that gates it (None: always clocked)."""
        gates = self._gates
        gates += [(self.rcc, None), (self.dbgmcu, None)]
        gates += [(self.pwr, (clocks.AHB4ENR, 18)), (self.ramcfg, (clocks.AHB2ENR, 12))]
        gates += [(self.syscfg, (clocks.APB4ENR2, 0)), (self.bsec, (clocks.APB4ENR2, 1))]
        for letter, port in self.gpio.items():
            gates.append((port, (clocks.AHB4ENR, ord(letter) - ord("A"))))
        gates += [(self.xspi1, (clocks.AHB5ENR, 5)), (self.xspi2, (clocks.AHB5ENR, 12))]
        gates += [(self.xspim, (clocks.AHB5ENR, 13)), (self.xspi3, (clocks.AHB5ENR, 17))]
        gates.append((Block("RNG", 0x4402_0000), (clocks.AHB3ENR, 0)))
        gates.append((Block("HASH", 0x4402_0400), (clocks.AHB3ENR, 1)))
        gates.append((Rifsc("RIFSC", 0x4402_4000, 0x1000), (clocks.AHB3ENR, 9)))
        gates.append((Block("IAC", 0x4402_5000, 0x1000), (clocks.AHB3ENR, 10)))
        for number in (*range(1, 10), *range(11, 16)):
            gates.append((Block(f"RISAF{number}", 0x4402_5000 + 0x1000 * number, 0x1000), (clocks.AHB3ENR, 14)))
        for number, base in ((21, 0x4403_5000), (22, 0x4403_6000), (23, 0x4403_7000)):
            gates.append((Block(f"RISAF{number}", base, 0x1000), (clocks.AHB3ENR, 14)))
        gates += [(Watchdog("IWDG", 0x4600_4800), None), (Watchdog("WWDG", 0x4000_2C00), None)]
        gates += [(self.uart, (clocks.APB2ENR, 4)), (self.lpuart, (clocks.APB4ENR1, 3))]

    # ---- access ----------------------------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> int:
        """`size` (1, 2, 4) bytes at a peripheral address or in the XSPI2 window. Raises BusFault, BusHang."""
        reader = self.readers.get(address >> PAGE)
        if reader is not None:
            return reader(address, size)
        if WINDOW <= address < WINDOW + WINDOW_SIZE:
            return int.from_bytes(self.read_block(address, size), "little")
        raise BusFault(address)

    def write(self, address: int, size: int, value: int) -> None:
        """Write `size` (1, 2, 4) bytes. Raises BusFault, BusHang."""
        writer = self.writers.get(address >> PAGE)
        if writer is not None:
            writer(address, size, value)
        elif WINDOW <= address < WINDOW + WINDOW_SIZE:
            self._window(address).write(address, address - WINDOW, value.to_bytes(size, "little"))
        else:
            raise BusFault(address)

    def read_block(self, address: int, length: int) -> bytes:
        """`length` bytes of the XSPI2 window in one go. Raises BusFault beyond the device, BusHang while not mapped."""
        if not WINDOW <= address <= address + length <= WINDOW + WINDOW_SIZE:
            raise BusFault(address)
        return self._window(address).read(address, address - WINDOW, length)

    def _window(self, address: int) -> Window:
        """XSPI2, if it can answer. Without a clock, or held in reset, nobody ends the transfer."""
        if not self.rcc.enabled(clocks.AHB5ENR, 12) or self.rcc.held(clocks.AHB5ENR, 12):
            raise BusHang(address)
        return self.xspi2.window

    def mapped(self) -> bool:
        """Whether XSPI2 is in memory-mapped mode."""
        return self.xspi2.is_mapped and self.rcc.enabled(clocks.AHB5ENR, 12)

    def mapped_content(self) -> memoryview | None:
        """The NOR's content if a mapped read gives exactly that now, so the window may be memory; else None."""
        return self.nor.content if self.mapped() and self.xspi2.window.serves_content() else None

    def ram_enabled(self, region: str) -> bool:
        """Whether the memory of that name (any case, "AHBSRAM" for both) is clocked and not shut down."""
        name = region.lower()
        bits = [bit for memory, bit in _MEMORY_BITS.items() if memory == name or memory[:-1] == name == "ahbsram"]
        enabled = self.rcc.words.get(clocks.MEMENR, 0)
        return all(enabled >> bit & 1 for bit in bits) and self.ramcfg.powered(name)

    # ---- wiring ----------------------------------------------------------------------------------------------------

    def route(self, number: int) -> Route:
        """How far the lines of XSPI `number` reach the NOR through XSPIM, pins and rail."""
        route = self._routes.get(number)
        if route is None:
            route = self._routes[number] = self._find_route(number)
        return route

    def _find_route(self, number: int) -> Route:
        if self.xspim.port_of(number) != 2 or not self.pwr.vddio3_valid:
            return NOWHERE
        port, function = self.gpio["N"], self.board.function
        connected = {signal for signal, pin in self.board.pins if port.has_function(pin, function)}
        sends = {"ncs", "clk", "io0"} <= connected
        wide = sends and all(f"io{line}" in connected for line in range(8))
        return Route(sends=sends, listens=sends and "io1" in connected, wide=wide)

    def _routes_changed(self) -> None:
        self._routes.clear()

    def _any_xspi_enabled(self) -> bool:
        return any(block.words.get(0, 0) & 1 for block in (self.xspi1, self.xspi2, self.xspi3))

    def mapping_changed(self) -> None:
        """Called by XSPI when the window may have come or gone; tells `on_mapping_changed`."""
        if self.on_mapping_changed is not None:
            self.on_mapping_changed()

    # ---- clock gates -----------------------------------------------------------------------------------------------

    def _clocks_changed(self) -> None:
        """RCC was written: hold and release blocks, open and close gates."""
        for block, gate in self._gates:
            if gate is None:
                continue
            held = self.rcc.held(*gate)
            if held and block.name not in self._held:
                self._held.add(block.name)
                block.reset()
            elif not held:
                self._held.discard(block.name)
        self._build_pages()
        self.mapping_changed()

    def _build_pages(self) -> None:
        """Who serves which page; a block without a clock hangs, one held in reset reads 0."""
        self.readers.clear()
        self.writers.clear()
        self.hot.clear()
        for block, gate in self._gates:
            reader: Read = block.read
            writer: Write = block.write
            if gate is not None and not self.rcc.enabled(*gate):
                reader, writer = _hanging_read, _hanging_write
            elif block.name in self._held:
                reader, writer = _held_read, _held_write
            for alias in (0, SECURE):
                first = (block.base + alias) >> PAGE
                for page in range(first, first + max(block.size >> PAGE, 1)):
                    self.readers[page] = reader
                    self.writers[page] = writer
                if isinstance(block, Xspi) and reader == block.read:
                    self.hot[block.base + alias + DR] = data_reader(block, self)
                    self.hot[block.base + alias + SR] = status_reader(block, self)

    # ---- reset and state -------------------------------------------------------------------------------------------

    def reset(self, kind: str) -> None:
        """ "system": all peripherals, not the NOR. "power": everything, the NOR included."""
        if kind not in ("system", "power"):
            raise ValueError(f"reset {kind!r}: system or power")
        power = kind == "power"
        for block, _ in self._gates:
            if power:
                block.power_reset()
            else:
                block.reset()
        if power:
            self.nor.power_off(self.time.now)
            self.nor.power_on(self.time.now)
        self._clocks_changed()
        self._routes_changed()

    def snapshot(self) -> dict[str, object]:
        """Registers of all blocks, without the NOR; JSON-able."""
        return {block.name: block.snapshot() for block, _ in self._gates}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take back what `snapshot` gave; blocks it does not name keep their state."""
        for block, _ in self._gates:
            saved = state.get(block.name)
            if isinstance(saved, Mapping):
                block.restore(saved)
        self._held = {block.name for block, gate in self._gates if gate and self.rcc.held(*gate)}
        self._build_pages()
        self._routes_changed()
        self.mapping_changed()


def _port_bases() -> list[tuple[str, int]]:
    """Ports A..H and N..Q, 0x400 apart."""
    return [(letter, 0x4602_0000 + 0x400 * (ord(letter) - ord("A"))) for letter in "ABCDEFGHNOPQ"]


def _hanging_read(address: int, _size: int) -> int:
    raise BusHang(address)


def _hanging_write(address: int, _size: int, _value: int) -> None:
    raise BusHang(address)


def _held_read(_address: int, _size: int) -> int:
    return 0


def _held_write(_address: int, _size: int, _value: int) -> None:
    return
