"""What the boot ROM does after a reset, as a program over the simulated chip: pins, check, copy, hand-over.

It runs on the core's clock and never ahead of the moment asked for, so that power or reset can cut it anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from n6prog.sim.bootrom import rom, trace
from n6prog.sim.bootrom.header import CHECKSUM, HEAD, Header, Refusal, parse
from n6prog.sim.bootrom.nor_reader import NorReader
from n6prog.sim.clock import Timeline, TimeModel
from n6prog.sim.core.ram import Ram
from n6prog.sim.soc.bus import BusFault, BusHang
from n6prog.sim.soc.soc import Soc

IMAGE = 0x3418_0000  # AXISRAM2: where the image goes, header included
COPIES = {1: 0x0_0000, 2: 0x4_0000}  # offsets in the NOR
_CHUNK = 0x1000
_HANG = 0x8000_0009  # trace code "time-out", for a bus that never answers (GUESS)

_RCC, _GPIOG = 0x5602_8000, 0x5602_1800
# What SystemInit finds on and turns off: RNG, TIM2, GPIOG (hw-soc 1.7)
_LEFT_ON = ((_RCC + 0xA58, 1 << 0), (_RCC + 0xA64, 1 << 0), (_RCC + 0xA5C, 1 << 6))
_PG10_LOW = ((_GPIOG + 0x18, 1 << 26), (_GPIOG + 0x00, 0xFFDF_FFFF))  # the red LED


# AP1 after each kind of boot, while BSEC's gate is as reset leaves it:
#   development  open after TimeModel.boot_rom   hw-soc 1.7: CONF
#   flash        open when the image starts      GUESS after one reading (KOR); a fact of the board
#   failed       closed                          SINGLE: CubeProgrammer's log of a board with BOOT1 tied low (Q-163694)
#   serial       closed                          GUESS
#   direct       closed: nobody reopened it      hw-soc 1.9 cause 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a boot ended: "development", "serial", "failed" (both copies), "flash", "direct" (the ROM was not asked).

    `opens_at`: when the ROM opens AP1, None if it does not. `stack` and `entry`: where the core goes on, None where it
    stays in the ROM; `vectors` is VTOR then, `limit` MSPLIM. `copy` is the one that was started.
    """

    mode: str
    opens_at: int | None = None
    stack: int = 0
    entry: int | None = None
    vectors: int = 0
    limit: int = 0
    copy: int = 0


class BootRom:
    """The ROM of silicon `revision`. `wrote(address, length)` is told of the copy: other code may have run there."""

    def __init__(
        self,
        soc: Soc,
        ram: Ram,
        clock: Timeline,
        model: TimeModel,
        revision: str,
        wrote: Callable[[int, int], None],
        *,
        opens_in_flash_boot: bool,
    ) -> None:
        self._soc = soc
        self._ram = ram
        self._clock = clock
        self._model = model
        self._revision = revision
        self._wrote = wrote
        self._opens_in_flash_boot = opens_in_flash_boot
        self._work: Iterator[None] | None = None
        self.outcome: Outcome | None = None

    def start(self, boot0: int, boot1: int, now: int) -> None:
        """Reset ended at `now` (picoseconds) with these pins (hw-soc 2): BOOT1 wins over BOOT0."""
        self.outcome = None
        scratch = self._ram.view(*rom.SCRATCH)
        buffer = self._ram.view(trace.SECURE_BUFFER, trace.SIZE)
        assert scratch is not None
        assert buffer is not None
        scratch[:] = bytes(len(scratch))
        self._trace = trace.Trace(buffer, self._clock.now)
        self._set(_LEFT_ON)
        self._note(trace.BOOT_PINS, boot1 << 1 | boot0)
        self._note(trace.OPEN)
        if boot1:
            self._set(_PG10_LOW)
            self._note(trace.DEVELOPMENT_BOOT)
            self._note(trace.DEBUG_OPEN)
            self._end(Outcome("development", opens_at=now + self._model.boot_rom))
        elif boot0:
            self._note(trace.SERIAL)
            self._end(Outcome("serial"))
        else:
            self._work = self._flash_boot()

    def start_direct(self, vectors: int, stack: int, entry: int) -> None:
        """A reset that starts somewhere else: no ROM, hence no stack limit and no AP1 (hw-soc 1.9 cause 2)."""
        self._end(Outcome("direct", None, stack, entry, vectors))

    def stop(self) -> None:
        """Reset or no power: what was under way is over."""
        self._work = None
        self.outcome = None

    @property
    def busy(self) -> bool:
        """Whether it is still at work."""
        return self._work is not None

    def run_to(self, moment: int) -> bool:
        """Go on until the clock reaches `moment` (picoseconds); whether it ended by that."""
        while self._work is not None and self._clock.now < moment:
            next(self._work, None)
        return self._work is None

    # ---- flash boot ----------------------------------------------------------------------------------------------

    def _flash_boot(self) -> Iterator[None]:
        """Yields wherever time has passed."""
        self._clock.advance(self._model.boot_rom)  # what comes before takes as long as until AP1 in development boot
        yield
        self._note(trace.SERIAL_NOR)
        reader = NorReader(self._soc, self._clock)
        reader.bring_up()
        for number, offset in COPIES.items():
            self._note(trace.TRY[number], offset)
            try:
                header = yield from self._copy(reader, offset)
            except Refusal as refusal:
                self._note(refusal.code, offset, level=trace.ERROR)
                continue
            except BusHang:
                self._note(_HANG, offset, level=trace.ERROR)
                continue
            self._hand_over(header, number)
            return
        self._set(_PG10_LOW)
        self._note(trace.DEBUG_LOCKED)
        self._end(Outcome("failed"))

    def _copy(self, reader: NorReader, offset: int) -> Generator[None, None, Header]:
        """Check the header at `offset` of the NOR, then copy header and body. Raises Refusal, BusHang."""
        head = reader.read(offset, HEAD)
        yield
        header = parse(head, self._revision, IMAGE)
        self._note(trace.MAGIC_FOUND, offset)
        self._note(trace.LENGTH, header.total - header.body)
        place = self._ram.view(IMAGE, header.total)
        assert place is not None
        for start in range(0, header.total, _CHUNK):
            end = min(start + _CHUNK, header.total)
            place[start:end] = reader.read(offset + start, end - start + 3 & ~3)[: end - start]
            yield
        self._wrote(IMAGE, header.total)
        if sum(place[header.body :]) & 0xFFFF_FFFF != header.checksum:
            # Images with altered bodies were seen to start from flash (header.md 5): told, not refused.
            self._note(CHECKSUM, offset, level=trace.WARNING)
        self._note(trace.NOT_ENCRYPTED)
        return header

    def _hand_over(self, header: Header, number: int) -> None:
        vectors = self._ram.view(IMAGE + HEAD, 4)
        assert vectors is not None
        stack = int.from_bytes(vectors, "little")
        if self._ram.view(stack - 8, 8) is None:  # no vector table first: the ROM's own stack stays (GUESS)
            stack = rom.STACK_TOP
        opens = self._opens_in_flash_boot
        self._note(trace.DEBUG_OPEN if opens else trace.DEBUG_LOCKED)
        self._note(trace.JUMP, header.entry)
        at = self._clock.now if opens else None
        self._end(Outcome("flash", at, stack, header.entry, IMAGE + HEAD, rom.STACK_LIMIT, number))

    def _end(self, outcome: Outcome) -> None:
        self._work = None
        self.outcome = outcome

    def _set(self, writes: tuple[tuple[int, int], ...]) -> None:
        self._soc.time = self._clock
        for address, value in writes:
            self._soc.write(address, 4, value)

    def _note(self, code: int, *arguments: int, level: int = trace.INFO) -> None:
        self._trace.note(self._clock.now, code, *arguments, level=level)


def first_vectors(ram: Ram, soc: Soc, clock: Timeline, address: int) -> tuple[int, int] | None:
    """Stack pointer and reset vector at `address`, None where the core cannot read them."""
    view = ram.view(address, 8)
    if view is not None:
        return int.from_bytes(view[:4], "little"), int.from_bytes(view[4:], "little")
    soc.time = clock
    try:
        return soc.read(address, 4), soc.read(address + 4, 4)
    except (BusFault, BusHang):
        return None
