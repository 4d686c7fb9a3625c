"""The flash port, borrowed: XSPI, pads and rail set up through AP1, used for a few reads, and put back as they were.

No code runs on the chip and no RAM is used, so the core need not be halted while the boot ROM's loop runs. Whoever
borrows must know that no program uses the port meanwhile (`Bench.may_borrow`). Only reads are sent to the NOR, in the
bus mode it is in; it notices nothing. Register layout: hw-soc 4, 5, 6, 7.2 (HDR, SVD).
"""

from __future__ import annotations

from types import TracebackType

from n6prog.flash_algos.mailbox import BoardSetup
from n6prog.link import Link
from n6prog.loader.setup import board_setup
from n6prog.targets import chip
from n6prog.targets.schema import BoardProfile

_AHB4ENR = chip.RCC + 0x25C
_SET, _CLEAR = 0x800, 0x1000  # RCC: write-1-to-set and write-1-to-clear twins
_MODER, _OSPEEDR, _PUPDR, _AFRL, _AFRH = 0x00, 0x08, 0x0C, 0x20, 0x24

_CR, _DCR1, _DCR2, _SR, _FCR, _DLR, _AR, _DR = 0x000, 0x008, 0x00C, 0x020, 0x024, 0x040, 0x048, 0x050
_CCR, _TCR, _IR = 0x100, 0x108, 0x110
_KEPT = (_DLR, _CCR, _TCR, _IR)
_ABORT, _FLAGS = 1 << 1, 0x1B
_TCF, _BUSY = 1 << 1, 1 << 5
_FIFO = 32  # bytes taken at once, half of what it holds
_RUN = chip.XSPI_CR_EN | (_FIFO - 1) << 8
_READ = 1 << 28
_64_MIB = 25 << 16
_SLOW = 7  # the kernel clock by 8: 4 MHz as the boot ROM leaves it, 25 MHz where firmware feeds 200
_PATIENCE = 0.1  # seconds; 256 bytes take half a millisecond

# Bus modes: CCR without its address phase, the address phase of 4 bytes, TCR without dummies (hw-soc 7.4).
_LINES = {
    "1S": (0x0100_0001, 0x0000_3100, 0),
    "8S": (0x0400_0014, 0x0000_3400, 0),
    "8D": (0x0C00_001C, 0x0000_3C00, 1 << 28),  # without DQS: a NOR in another mode would never strobe
}
_THREE_BYTES = 0x0000_2100


class NotNow(Exception):
    """The port cannot be borrowed, or does not work; the text says why, `evidence` what shows it."""

    def __init__(self, reason: str, **evidence: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence


class FlashPort:
    """A context manager; inside it `read` sends read commands to the NOR. Raises NotNow, and what the link raises."""

    def __init__(self, link: Link, board: BoardProfile) -> None:
        self._link = link
        self._setup: BoardSetup = board_setup(board)
        self._undo: list[tuple[int, int]] = []
        self._control = 0

    def __enter__(self) -> FlashPort:
        setup = self._setup
        try:
            self._clock(_AHB4ENR, setup.gpio_rcc_bit)
            self._clock(chip.RCC_AHB5ENR, setup.xspi_rcc_bits)
            self._stop()
            self._route()
            self._change(chip.PWR_SVMCR3, setup.svmcr3_set, setup.svmcr3_set)
            gpio = setup.gpio_base
            self._change(gpio + _AFRL, setup.afrl_mask, setup.afrl_value)
            self._change(gpio + _AFRH, setup.afrh_mask, setup.afrh_value)
            self._change(gpio + _OSPEEDR, setup.ospeedr_mask, setup.ospeedr_value)
            self._change(gpio + _PUPDR, setup.pupdr_mask, setup.pupdr_value)
            self._change(gpio + _MODER, setup.moder_mask, setup.moder_value)
            self._change(setup.xspi_base + _DCR1, 0xFFFF_FFFF, setup.dcr1 | _64_MIB)
            self._change(setup.xspi_base + _DCR2, 0xFFFF_FFFF, _SLOW)
            self._wait(_BUSY, 0, "its calibration does not end")
        except BaseException:
            self._put_back()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._put_back()

    def read(
        self,
        mode: str,
        opcode: int,
        size: int,
        *,
        address: int | None = None,
        dummy: int = 0,
        three_bytes: bool = False,
    ) -> bytes:
        """`size` bytes (rounded up to whole words) of one read command in a bus mode ("1S", "8S", "8D").

        `opcode` is one byte; the octal modes send its complement after it. `address` None: no address phase.
        """
        ccr, address_phase, tcr = _LINES[mode]
        if address is not None:
            ccr |= _THREE_BYTES if three_bytes else address_phase
        base, words = self._setup.xspi_base, -(-size // 4)
        self._wait(_BUSY, 0, "the port stays busy")
        for register, value in (
            (_FCR, _FLAGS),
            (_CR, _RUN | _READ),
            (_DLR, 4 * words - 1),
            (_TCR, tcr | dummy),
            (_CCR, ccr),
            (_IR, opcode if mode == "1S" else opcode << 8 | opcode ^ 0xFF),
        ):
            self._link.write32(base + register, value)
        if address is not None:
            self._link.write32(base + _AR, address)
        return self._drain(words)[:size]

    def _drain(self, words: int) -> bytes:
        """The answer, from the FIFO."""
        base, data = self._setup.xspi_base, bytearray()
        end = self._link.now() + _PATIENCE
        while len(data) < 4 * words:
            level = self._link.read32(base + _SR) >> 8 & 0x7F
            for _ in range(min(level // 4, words - len(data) // 4)):
                data += self._link.read32(base + _DR).to_bytes(4, "little")
            if level < 4 and self._link.now() > end:
                status = self._link.read32(base + _SR)
                self._abort()
                raise NotNow("the port does not deliver what it was asked to read", XSPI_SR=f"{status:#010x}")
        return bytes(data)

    # --- setting up, and back ---

    def _stop(self) -> None:
        """End a mapping and keep what it is made of. A command under way is firmware's, and cannot be resumed."""
        base = self._setup.xspi_base
        self._control = self._link.read32(base + _CR) & ~_ABORT
        mapped = self._control & chip.XSPI_CR_FMODE == chip.XSPI_CR_FMODE_MAPPED
        busy = self._link.read32(base + _SR) & _BUSY
        if busy and not mapped:
            raise NotNow("a command of the program that ran is under way", XSPI_CR=f"{self._control:#010x}")
        kept = [(base + register, self._link.read32(base + register)) for register in _KEPT]
        if busy:
            self._abort()
        # Put back in reverse order: CR, with the mapping, last of all.
        self._undo.append((base + _CR, self._control))
        self._undo += kept
        self._link.write32(base + _CR, _RUN)

    def _route(self) -> None:
        """Point the XSPI at the port; XSPIM listens only while every XSPI is off."""
        setup = self._setup
        routing = self._link.read32(setup.xspim_base)
        if routing == setup.xspim_cr:
            return
        clocks = self._link.read32(chip.RCC_AHB5ENR)
        for base, bit in (
            (chip.XSPI1, chip.RCC_AHB5_XSPI1),
            (chip.XSPI2, chip.RCC_AHB5_XSPI2),
            (chip.XSPI3, chip.RCC_AHB5_XSPI3),
        ):
            if not clocks & bit:
                continue
            control = self._link.read32(base + _CR)
            if self._link.read32(base + _SR) & _BUSY:
                raise NotNow(
                    "XSPIM gives the flash port to another XSPI, which is at work", XSPIM_CR=f"{routing:#010x}"
                )
            if control & chip.XSPI_CR_EN:
                if base != setup.xspi_base:
                    self._undo.append((base + _CR, control))
                self._link.write32(base + _CR, control & ~chip.XSPI_CR_EN & ~chip.XSPI_CR_FMODE)
        self._undo.append((setup.xspim_base, routing))
        self._link.write32(setup.xspim_base, setup.xspim_cr)
        self._link.write32(setup.xspi_base + _CR, _RUN)

    def _clock(self, register: int, bits: int) -> None:
        """Switch clocks on; those that were off go off again."""
        off = bits & ~self._link.read32(register)
        if off:
            self._undo.append((register + _CLEAR, off))
            self._link.write32(register + _SET, off)
            self._link.read32(register)  # the clock is there after one read back (LL_AHB5_GRP1_EnableClock)

    def _change(self, register: int, mask: int, value: int) -> None:
        """Give the bits of `mask` another value, where they have not got it."""
        before = self._link.read32(register)
        after = before & ~mask | value & mask
        if after != before:
            self._undo.append((register, before))
            self._link.write32(register, after)

    def _put_back(self) -> None:
        """Everything as it was, the last change first."""
        base = self._setup.xspi_base
        undo, self._undo = self._undo, []
        if (base + _CR, self._control) in undo:
            self._abort()
            self._link.write32(base + _CR, 0)  # while it is off, no register starts a command
        for register, value in reversed(undo):
            if base <= register < base + 0x400:
                self._wait(_BUSY, 0, "the port stays busy")
            self._link.write32(register, value)

    def _abort(self) -> None:
        base = self._setup.xspi_base
        if not self._link.read32(base + _SR) & _BUSY:
            return
        self._link.write32(base + _CR, self._link.read32(base + _CR) | _ABORT)
        self._wait(_TCF, _TCF, "the port does not end what it does")
        self._link.write32(base + _FCR, _FLAGS)
        self._wait(_BUSY, 0, "the port stays busy")

    def _wait(self, mask: int, wanted: int, reason: str) -> None:
        end = self._link.now() + _PATIENCE
        status_register = self._setup.xspi_base + _SR
        while (status := self._link.read32(status_register)) & mask != wanted:
            if self._link.now() > end:
                raise NotNow(reason, XSPI_SR=f"{status:#010x}")
            self._link.sleep(0.0005)
