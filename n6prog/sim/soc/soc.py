"""The chip around the core: every peripheral address, the clocks that gate them, and the XSPI windows.

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
from n6prog.sim.soc.blocks import PLAIN
from n6prog.sim.soc.boards import BoardFacts
from n6prog.sim.soc.bsec import Bsec
from n6prog.sim.soc.bus import BusFault, BusHang
from n6prog.sim.soc.debug import Dbgmcu
from n6prog.sim.soc.gpio import Gpio
from n6prog.sim.soc.irq import NEVER, IrqSource
from n6prog.sim.soc.power import Pwr, Ramcfg, Syscfg
from n6prog.sim.soc.rcc import Rcc
from n6prog.sim.soc.uart import Uart
from n6prog.sim.soc.xspi import Xspi
from n6prog.sim.soc.xspi_hot import data_reader, data_run, status_reader, writers
from n6prog.sim.soc.xspi_map import DR, SR
from n6prog.sim.soc.xspi_window import Window
from n6prog.sim.soc.xspim import NOWHERE, Route, Xspim
from n6prog.sim.tripwire import Tripwire

Read = Callable[[int, int], int]
Write = Callable[[int, int, int], None]

SECURE = 0x1000_0000
PAGE = 10
WINDOW_SIZE = 0x1000_0000
WINDOWS = {0x7000_0000: 2, 0x8000_0000: 3, 0x9000_0000: 1}  # base: XSPI (hw-soc 3); no second alias
_XSPI_BITS = {1: 5, 2: 12, 3: 17}  # in AHB5ENR and AHB5RSTR

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
        self.horizon = NEVER  # picoseconds: when the running core may next be interrupted; no status read waits longer
        self.readers: dict[int, Read] = {}
        self.writers: dict[int, Write] = {}
        self.hot: dict[int, Read] = {}
        self.hot_writes: dict[int, Write] = {}
        self.hot_runs: dict[int, Callable[[bytes, int], bool]] = {}  # many writes of one address in a row
        self.on_mapping_changed: Callable[[], None] | None = None
        self.on_irq_changed: Callable[[], None] | None = None
        self.on_cpu_clock: Callable[[int], None] | None = None  # the core's new frequency in hertz
        self._cpu_hz = model.cpu_hz
        self._routes: dict[int, Route] = {}
        self.reaches: dict[int, dict[int, tuple[bool, bool]]] = {}  # xspi_wire's by XSPI, as long as the routes hold
        self._gates: list[tuple[Block, tuple[int, int] | None]] = []
        self._held: set[str] = set()
        self.rcc = Rcc(0x4602_8000, self._clocks_changed)
        self.pwr = Pwr(0x4602_4800, board.rails_1v8, tripwire, self._routes_changed)
        self.syscfg = Syscfg(0x4600_8000, self.pwr.rail_valid)
        self.bsec = Bsec(0x4600_9000, tripwire, dict(board.fuses))
        self.dbgmcu = Dbgmcu(0x4400_1000)
        self.ramcfg = Ramcfg(0x4202_3000)
        self.gpio = {letter: Gpio(letter, base, self._routes_changed) for letter, base in _port_bases()}
        self.xspim = Xspim(0x4802_B400, self._any_xspi_enabled, self._routes_changed)
        self.xspi1 = Xspi(1, 0x4802_5000, self)
        self.xspi2 = Xspi(2, 0x4802_A000, self)
        self.xspi3 = Xspi(3, 0x4802_D000, self)
        self.xspis = {1: self.xspi1, 2: self.xspi2, 3: self.xspi3}
        uart_hz = self.rcc.uart_hz
        self.uart = Uart("USART1", 0x4200_1000, 159, self, lambda: uart_hz("USART1"), self.irq_changed)
        self.lpuart = Uart(
            "LPUART1", 0x4600_0C00, 169, self, lambda: uart_hz("LPUART1"), self.irq_changed, low_power=True
        )
        self.irq_sources: list[IrqSource] = [self.uart, self.lpuart, *self.xspis.values()]
        self._populate()
        self.blocks = {block.name: block for block, _ in self._gates}
        self._build_pages()
        nor.on_change = self.mapping_changed

    def _populate(self) -> None:
        """Every block with the RCC enable bit that gates it (None: always clocked)."""
        gates = self._gates
        gates += [(self.rcc, None), (self.dbgmcu, None)]
        gates += [(self.pwr, (clocks.AHB4ENR, 18)), (self.ramcfg, (clocks.AHB2ENR, 12))]
        gates += [(self.syscfg, (clocks.APB4ENR2, 0)), (self.bsec, (clocks.APB4ENR2, 1))]
        for letter, port in self.gpio.items():
            gates.append((port, (clocks.AHB4ENR, ord(letter) - ord("A"))))
        gates += [(block, (clocks.AHB5ENR, _XSPI_BITS[number])) for number, block in self.xspis.items()]
        gates.append((self.xspim, (clocks.AHB5ENR, 13)))
        gates += [(row.kind(row.name, row.base, row.size), row.gate) for row in PLAIN]
        gates += [(self.uart, (clocks.APB2ENR, 4)), (self.lpuart, (clocks.APB4ENR1, 3))]

    # ---- access ----------------------------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> int:
        """`size` (1, 2, 4) bytes at a peripheral address or in an XSPI window. Raises BusFault, BusHang."""
        reader = self.readers.get(address >> PAGE)
        if reader is not None:
            return reader(address, size)
        return int.from_bytes(self.read_block(address, size), "little")

    def write(self, address: int, size: int, value: int) -> None:
        """Write `size` (1, 2, 4) bytes. Raises BusFault, BusHang."""
        writer = self.writers.get(address >> PAGE)
        if writer is not None:
            writer(address, size, value)
            return
        window = self._window(address)
        window.write(address, address & WINDOW_SIZE - 1, value.to_bytes(size, "little"))

    def read_block(self, address: int, length: int) -> bytes:
        """`length` bytes of an XSPI window in one go. Raises BusFault beyond the device or unmapped, BusHang."""
        return self._window(address).read(address, address & WINDOW_SIZE - 1, length)

    def pass_over(self, address: int, length: int) -> None:
        """The same without the bytes, where `mapped_content` has them. Raises as `read_block`."""
        self._window(address).pass_over(address, address & WINDOW_SIZE - 1, length)

    def _window(self, address: int) -> Window:
        """The window `address` lies in. Without a clock, or held in reset, its XSPI never ends the transfer."""
        window = self._windows.get(address & -WINDOW_SIZE)
        if window is None:
            raise BusHang(address) if address & -WINDOW_SIZE in WINDOWS else BusFault(address)
        return window

    def mapped(self, number: int = 2) -> bool:
        """Whether XSPI `number` is in memory-mapped mode."""
        return self.xspis[number].is_mapped and self.rcc.enabled(clocks.AHB5ENR, _XSPI_BITS[number])

    def mapped_content(self, number: int = 2) -> memoryview | None:
        """The NOR's content if a read of XSPI `number`'s window gives exactly that now, so it may be memory; else None.

        No more than DCR1.DEVSIZE allows. It may change by itself only when the NOR's busy time ends; everything else is
        told by `on_mapping_changed`.
        """
        if not self.mapped(number) or not self.xspis[number].window.serves_content():
            return None
        content, size = self.nor.content, self.xspis[number].wire.device_size
        return content if size >= len(content) else content[:size]

    def kernel_hz(self, number: int) -> int:
        """The kernel clock of XSPI `number` in hertz, 0 while it stands."""
        return self.rcc.xspi_hz(number) if self.rcc.enabled(clocks.AHB5ENR, _XSPI_BITS[number]) else 0

    def settle(self, now: int) -> None:
        """Let the XSPIs finish what is over by `now` (picoseconds): a frame reaches the NOR when NCS rises."""
        for block in self.xspis.values():
            if block.state:
                block.settle(now)

    def let_go(self, now: int) -> None:
        """NCS of all XSPIs rises at `now`: what the NOR has of a frame by then is all it gets."""
        for block in self.xspis.values():
            block.let_go(now)

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
        if self.xspim.port_of(number) != 2 or not self.pwr.rail_valid("vddio3"):
            return NOWHERE
        port, function = self.gpio["N"], self.board.function
        connected = {signal for signal, pin in self.board.pins if port.has_function(pin, function)}
        sends = {"ncs", "clk", "io0"} <= connected
        wide = sends and all(f"io{line}" in connected for line in range(8))
        forced = self.xspim.overridden(number)
        return Route(sends=sends, listens=sends and "io1" in connected, wide=wide, forced=forced)

    def _routes_changed(self) -> None:
        self._routes.clear()
        for known in self.reaches.values():
            known.clear()
        self.mapping_changed()

    def _any_xspi_enabled(self) -> bool:
        return any(block.words.get(0, 0) & 1 for block in self.xspis.values())

    def mapping_changed(self) -> None:
        """Called when a window may have come, gone or changed its bytes; tells `on_mapping_changed`."""
        if self.on_mapping_changed is not None:
            self.on_mapping_changed()

    def irq_changed(self) -> None:
        """Called by a block when a register access may have moved its interrupt line; tells `on_irq_changed`."""
        if self.on_irq_changed is not None:
            self.on_irq_changed()

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
        for xspi in self.xspis.values():
            xspi.clock_changed()
        self._follow_cpu_clock()
        self._build_pages()
        self.mapping_changed()

    def _follow_cpu_clock(self) -> None:
        """Tell the core its frequency; one that stands still is not modelled."""
        hz = self.rcc.cpu_hz()
        if hz and hz != self._cpu_hz:
            self._cpu_hz = hz
            if self.on_cpu_clock is not None:
                self.on_cpu_clock(hz)

    def _build_pages(self) -> None:
        """Who serves which page; a block without a clock hangs, one held in reset reads 0."""
        self.readers.clear()
        self.writers.clear()
        self.hot.clear()
        self.hot_writes.clear()
        self.hot_runs.clear()
        self._windows = {
            base: self.xspis[number].window
            for base, number in WINDOWS.items()
            if self.rcc.enabled(clocks.AHB5ENR, _XSPI_BITS[number])
            and not self.rcc.held(clocks.AHB5ENR, _XSPI_BITS[number])
        }
        for block, gate in self._gates:
            reader: Read = block.read
            writer: Write = block.write
            if gate is not None and not self.rcc.enabled(*gate):
                reader, writer = _hanging_read, _hanging_write
                if isinstance(block, Gpio):
                    reader, writer = block.read_unclocked, block.write_unclocked
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
                    self.hot_runs[block.base + alias + DR] = data_run(block, self)
                    for offset, write in writers(block, self).items():
                        self.hot_writes[block.base + alias + offset] = write

    # ---- reset and state -------------------------------------------------------------------------------------------

    def reset(self, kind: str) -> None:
        """ "system" (SYSRESETREQ) and "pin" (NRST): all peripherals, not the NOR. "power": everything."""
        if kind not in ("system", "pin", "power"):
            raise ValueError(f"reset {kind!r}: system, pin or power")
        self.rcc.cause = kind
        if kind == "power":
            self.nor.power_off(self.time.now)
            self.nor.power_on(self.time.now)
        else:
            for xspi in self.xspis.values():
                xspi.reset()  # before their pins and clocks go: the NOR sees NCS rise
        for block, _ in self._gates:
            if kind == "power":
                block.power_reset()
            else:
                block.reset()
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
        self._cpu_hz = self.rcc.cpu_hz() or self._cpu_hz
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
