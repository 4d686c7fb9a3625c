"""pyOCD's view of the STM32N657: memory map, connecting past the boot ROM, reset, and the state flash code needs.

What is special about this chip: there is no internal flash; after every reset the boot ROM runs and the core's access
port (AP1) stays closed until the ROM opens it, so that a halt at the reset vector is impossible; and an access to a
slave without clock hangs the bus until power-off.
"""

from __future__ import annotations

import logging
from typing import Any

from pyocd.core import exceptions
from pyocd.core.memory_map import DeviceRegion, FlashRegion, MemoryMap, RamRegion, RomRegion
from pyocd.core.target import Target
from pyocd.coresight.ap import APv1Address
from pyocd.coresight.coresight_target import CoreSightTarget
from pyocd.coresight.cortex_m_v8m import CortexM_v8M
from pyocd.flash.flash import Flash
from pyocd.utility.sequencer import CallSequence

from n6prog.targets import chip
from n6prog.targets import core_registers as reg
from n6prog.targets.bus_guard import BusGuard
from n6prog.targets.core_registers import CoreRegisters
from n6prog.targets.probe_time import clock_of

LOG = logging.getLogger(__name__)

AP1_OPENS_WITHIN = 0.5
"""Seconds that the boot ROM is given to open AP1 after a reset, as in probe-rs."""
_POLL_INTERVAL = 0.01
_RESET_PULSE = 0.02
_LOW_POWER = chip.DBGMCU_CR_LOW_POWER | chip.DBGMCU_CR_CLOCKS


class CorePortClosed(exceptions.TargetError):
    """The chip answers and its core port does not: the boot ROM did not open AP1.

    `sr` is the last DBGMCU_SR read (None: AP0 did not answer either), `dpidr` the debug port's identity, `tries` and
    `waited` (seconds) say how long it was asked for.
    """

    def __init__(self, sr: int | None, dpidr: int, tries: int, waited: float) -> None:
        self.sr = sr
        self.dpidr = dpidr
        self.tries = tries
        self.waited = waited
        state = "AP0 does not answer" if sr is None else f"DBGMCU_SR {sr:#010x}, bit 17 = 0"
        super().__init__(
            f"the boot ROM did not open the core's access port AP1 within {waited * 1000:.0f} ms ({state}): "
            "the board is not in development boot (BOOT1 = 1, then cycle the power)"
        )


class CorePortDead(exceptions.TargetError):
    """AP1 is open and answers nothing: an access to a slave without clock never completed. Only power mends it."""


class CortexM55_STM32N6(CortexM_v8M):  # noqa: N801  pyOCD's way to name a core of one family
    """The Cortex-M55 behind AP1, with resets that outlive the boot ROM."""

    @property
    def fast_registers(self) -> CoreRegisters:
        """Registers in few probe commands; the core must be halted. Raises CoreRegisterAccessError."""
        return CoreRegisters(self, exceptions.CoreRegisterAccessError)

    def _perform_reset(self, reset_type: Target.ResetType) -> None:
        """Reset, wait until the boot ROM has opened AP1 again, and switch debug back on."""
        soc = self.session.target
        if reset_type in (Target.ResetType.HARDWARE, Target.ResetType.NSRST):
            soc.dp.assert_reset(True, send_notifications=False)
            soc.clock.sleep(_RESET_PULSE)
            soc.dp.assert_reset(False, send_notifications=False)
        elif reset_type in (Target.ResetType.DEFAULT, Target.ResetType.SYSTEM, Target.ResetType.SYSRESETREQ):
            try:
                self.write_memory(self.NVIC_AIRCR, self.NVIC_AIRCR_VECTKEY | self.NVIC_AIRCR_SYSRESETREQ)
                self.flush()
            except exceptions.TransferError:
                pass  # the reset may be faster than the acknowledge
        else:
            super()._perform_reset(reset_type)  # emulated: the core only, the boot ROM does not run
            return
        soc.dp.post_reset_recovery()
        soc.wait_for_boot_rom()
        self.write_memory(self.DHCSR, self.DBGKEY | self.C_DEBUGEN)
        self.read32(self.DHCSR)  # S_RESET_ST is sticky: this read clears it

    def set_reset_catch(self, reset_type: Target.ResetType | None = None) -> None:
        """Nothing: the reset vector is the boot ROM's, and the port is closed when it is fetched."""

    def clear_reset_catch(self, reset_type: Target.ResetType | None = None) -> None:
        """Nothing, see set_reset_catch."""

    def reset_and_halt(self, reset_type: Target.ResetType | None = None) -> None:
        """Reset, let the boot ROM run, halt in its waiting loop, and clean up what it leaves."""
        self.reset(reset_type)
        self.halt()
        self.wait_halted()
        self.sanitise(mask_interrupts=False)

    def wait_halted(self, timeout: float = 0.5) -> None:
        """Wait for S_HALT, in seconds of probe time. Raises pyOCD's TimeoutError."""
        clock = self.session.target.clock
        end = clock.now() + timeout
        while not self.read32(self.DHCSR) & self.S_HALT:
            if clock.now() > end:
                raise exceptions.TimeoutError(f"core {self.core_number} does not halt")
            clock.sleep(0.001)

    def sanitise(self, *, mask_interrupts: bool) -> None:
        """Bring the halted core into a state in which foreign code can run.

        The boot ROM and applications leave stack limits, an MPU that forbids execution from RAM, caches and pending or
        active faults behind; each of them makes the first push of fresh code fault.
        """
        limits = (reg.MSPLIM_S, reg.PSPLIM_S, reg.MSPLIM_NS, reg.PSPLIM_NS)
        registers = [(number, 0) for number in limits]
        registers.append((reg.CFBP, 1 if mask_interrupts else 0))  # CONTROL 0 (privileged, MSP), FAULTMASK, BASEPRI 0
        self.fast_registers.write_all([*registers, (reg.XPSR, self.XPSR_THUMB)])
        self.write32(chip.MPU_CTRL, 0)
        self.write32(chip.CCR, chip.CCR_CACHES_OFF)
        self.write32(chip.ICIALLU, 0)
        self.write32(chip.FPCCR, chip.FPCCR_RESET)
        # Write-1-to-clear, all of it: what is there afterwards belongs to the code that runs next.
        self.write_memory_block32(chip.CFSR, [0xFFFF_FFFF, 0xFFFF_FFFF])  # and HFSR behind it
        # Halted inside a handler, the exception stays active and outranks PRIMASK; keep PRIS, BFHFNMINS, PRIGROUP.
        aircr = self.read32(self.NVIC_AIRCR) & 0x0000_6708
        self.write32(self.NVIC_AIRCR, self.NVIC_AIRCR_VECTKEY | aircr | self.NVIC_AIRCR_VECTCLRACTIVE)


class XSPI2Flash(Flash):  # type: ignore[misc, unused-ignore]
    """pyOCD's flash code runner, with the core made fit for foreign code first."""

    def prepare_target(self) -> None:
        """Called with the core halted, before the code is loaded."""
        core = self.target.selected_core_or_raise
        core.wait_halted()
        core.sanitise(mask_interrupts=True)

    def wait_for_completion(self, timeout: float | None = None) -> int:
        """Wait in the probe's time, with pauses: pyOCD's own loop has none, and takes a lock-up for running."""
        core = self.target.selected_core_or_raise
        clock = self.target.clock
        start, pause = clock.now(), 0.0005
        while True:
            state = core.get_state()
            if state == Target.State.LOCKUP:
                core.halt()
                cfsr, pc = core.read32(chip.CFSR), core.read_core_register("pc")
                raise exceptions.FlashFailure(f"flash code locked up (PC {pc:#010x}, CFSR {cfsr:#010x})")
            if state == Target.State.HALTED or (timeout and clock.now() - start > timeout):
                break
            clock.sleep(pause)
            pause = min(pause * 1.25, 0.05)
        # What is left takes no time: the result and the stack canary, or the report that time is up.
        result: int = super().wait_for_completion(timeout=None if state == Target.State.HALTED else 0.001)
        return result

    def restore_target(self) -> None:
        """Give interrupts back; the rest stays as after a reset."""
        self.target.selected_core_or_raise.write_core_register("primask", 0)


def _ram(name: str, start: int, length: int, **attributes: Any) -> list[RamRegion]:
    """A RAM and its secure alias. Only the alias that development boot works with may be the default."""
    default = attributes.pop("is_default", False)
    return [
        RamRegion(name=name, start=start, length=length, access="rwx", is_default=False, **attributes),
        RamRegion(
            name=f"{name}_s",
            start=start + chip.SECURE_ALIAS,
            length=length,
            access="rwxs",
            is_default=default,
            alias=name,
            **attributes,
        ),
    ]


def _memory_map(flash_size: int, flash_class: type[Flash]) -> MemoryMap:
    """The map of the chip with a NOR of this many bytes behind XSPI2."""
    return MemoryMap(
        # TCMs at their reset sizes (CM55TCMCR 0x87).
        *_ram("itcm", 0x0000_0000, 0x1_0000, is_testable=False),
        RomRegion(name="boot_rom", start=0x0800_0000, length=0x2_0000),
        RomRegion(name="boot_rom_s", start=0x1800_0000, length=0x2_0000, alias="boot_rom"),
        *_ram("dtcm", 0x2000_0000, 0x2_0000, is_testable=False),
        # The default: applications linked by ST's templates keep .data and .bss from 0x3400_0000 on, so that a search
        # for an RTT control block finds it; nothing of the boot ROM, an FSBL or our flash code lies here.
        *_ram("flexram", 0x2400_0000, 0x6_4000, is_default=True),
        *_ram("axisram1", 0x2406_4000, 0x9_C000),
        *_ram("axisram2", 0x2410_0000, 0x10_0000),
        *_ram("axisram3", 0x2420_0000, 0x7_0000),
        *_ram("axisram4", 0x2427_0000, 0x7_0000),
        *_ram("axisram5", 0x242E_0000, 0x7_0000),
        *_ram("axisram6", 0x2435_0000, 0x7_0000),
        *_ram("ahbsram1", 0x2800_0000, 0x4000),
        *_ram("ahbsram2", 0x2800_4000, 0x4000),
        DeviceRegion(name="peripherals", start=0x4000_0000, length=0x1000_0000, access="rw"),
        DeviceRegion(name="peripherals_s", start=0x5000_0000, length=0x1000_0000, access="rws", alias="peripherals"),
        _xspi2(flash_size, flash_class),
        DeviceRegion(name="ppb", start=0xE000_0000, length=0x10_0000, access="rw"),
    )


def _xspi2(size: int, flash_class: type[Flash]) -> FlashRegion:
    """The NOR. Weights in seconds from the SFDP of both ST boards' parts: 25 ms a sector, 152 us a 256-byte page."""
    algo: dict[str, Any] | None = None
    try:
        from n6prog.flash_algos import pyocd_algo

        algo = pyocd_algo()
    except Exception as exc:  # noqa: BLE001  listing targets must work with a damaged or missing loader image
        LOG.warning("stm32n657: no flash code, programming is not possible: %s", exc)
    page = (algo or {}).get("page_size", 0x1000)
    return FlashRegion(
        name="xspi2",
        start=chip.XSPI2_BASE,
        length=size,
        sector_size=0x1000,
        page_size=page,
        phrase_size=16,
        erase_sector_weight=0.025,
        program_page_weight=page / 256 * 152e-6,
        erase_all_weight=192.0 * size / 0x400_0000,
        erased_byte_value=0xFF,
        is_boot_memory=True,
        is_external=True,
        # A functional test of the region would erase and program all of it: minutes, and the user's firmware.
        is_testable=False,
        algo=algo,
        flash_class=flash_class,
    )


class STM32N657(CoreSightTarget):
    """STM32N657 with a 64 MiB NOR behind XSPI2, as on the NUCLEO-N657X0-Q; other boards change FLASH_SIZE."""

    VENDOR = "STMicroelectronics"
    PART_FAMILIES = ("STM32N6 Series", "STM32N657")
    PART_NUMBER = "STM32N657X0"
    FLASH_SIZE = 0x400_0000
    FLASH_CLASS: type[Flash] = XSPI2Flash

    def __init__(self, session: Any) -> None:
        super().__init__(session, _memory_map(self.FLASH_SIZE, self.FLASH_CLASS))
        self.clock = clock_of(session.probe)
        self.was_running = False  # as connecting found the core
        self._guard: BusGuard | None = None
        self._failed_at: int | None = None

    def create_init_sequence(self) -> CallSequence:
        """pyOCD's sequence, with the wait for the boot ROM before AP1 is touched."""
        # An AP beyond the two must not be probed for: the scan reads AP1 while it may still be closed.
        self.dp.valid_aps = [chip.AP_SYSTEM, chip.AP_CORE]
        seq = super().create_init_sequence()
        seq.insert_before("discovery", ("wait_for_boot_rom", self.connect_past_boot_rom))
        seq.wrap_task("discovery", self._wrap_discovery)
        return seq

    def _wrap_discovery(self, seq: CallSequence) -> CallSequence:
        seq.insert_after("create_aps", ("guard_bus", self.guard_bus))
        seq.replace_task("create_cores", self.create_cores)
        return seq

    def create_flash(self) -> None:
        """pyOCD's, with time for a chip erase: ST allows 460 s, pyOCD's default is 240 s."""
        if not self.session.options.is_set("flash.timeout.erase_all"):
            self.session.options.set("flash.timeout.erase_all", 600.0)
        super().create_flash()

    def connect_past_boot_rom(self) -> None:
        """Release a reset that was held while connecting, and wait for AP1."""
        if self.session.options.get("connect_mode") == "under-reset":
            self.clock.sleep(_RESET_PULSE)
            self.dp.assert_reset(False)
        self.wait_for_boot_rom()

    def wait_for_boot_rom(self) -> None:
        """Wait until DBGMCU_SR says that AP1 is open. Raises CorePortClosed."""
        start, tries = self.clock.now(), 0
        while True:
            tries += 1
            try:
                sr: int | None = self.read_ap0(chip.AP0_DBGMCU_SR)
            except exceptions.TransferError:
                sr = None
            if sr is not None and sr & chip.DBGMCU_SR_AP1_ENABLE:
                LOG.debug("AP1 is open after %d tries", tries)
                return
            waited = self.clock.now() - start
            if waited >= AP1_OPENS_WITHIN:
                raise CorePortClosed(sr, self.dp.dpidr.idr if self.dp.dpidr else 0, tries, waited)
            self.clock.sleep(_POLL_INTERVAL)

    def read_ap0(self, address: int) -> int:
        """A word through AP0, also before the access ports are known to pyOCD."""
        ap = self.aps.get(APv1Address(chip.AP_SYSTEM))
        if ap is not None:
            return int(ap.read32(address))
        # CSW: 32 bits, no increment, privileged data access; an APB-AP ignores what it does not have.
        base = chip.AP_SYSTEM << 24
        self.dp.write_ap(base | 0x00, 0x0300_0002)
        self.dp.write_ap(base | 0x04, address)
        return int(self.dp.read_ap(base | 0x0C))

    def guard_bus(self) -> None:
        """Put the guard between every user of AP1 and the bus."""
        ap = self.aps.get(APv1Address(chip.AP_CORE))
        if ap is None:
            raise CorePortDead("AP1 is open and does not answer")
        self._guard = BusGuard(ap, self.bring_up_xspi2, _refused)
        self._guard.install(ap)

    def create_cores(self) -> None:
        """Create the core with our class instead of pyOCD's generic one."""

        def create(component: Any) -> None:
            core = CortexM55_STM32N6.factory(component.ap, component, component.address)
            if core is not None:
                core.init()

        assert self._discoverer
        for ap in self.aps.values():
            if ap.rom_table:
                ap.rom_table.for_each(create, filter=lambda c: c.factory == CortexM_v8M.factory)

    def perform_halt_on_connect(self) -> None:
        """Halt unless attaching. A reset that was held is long released: the boot ROM has run since."""
        for core in self.cores.values():
            self.was_running = not core.is_halted()
            if self.session.options.get("connect_mode") != "attach":
                core.halt()

    def post_connect(self) -> None:
        """Nothing is left to do: see connect_past_boot_rom."""

    def post_connect_hook(self) -> None:
        """Keep debug alive in low power, and watchdogs still while the core is halted (as OpenOCD does)."""
        ap = self.aps.get(APv1Address(chip.AP_SYSTEM))
        if ap is None:
            raise exceptions.TargetError("the identity of AP0 cannot be read")
        for register, bits in (
            (chip.AP0_DBGMCU_CR, _LOW_POWER),
            (chip.AP0_DBGMCU_APB1LFZ1, chip.DBGMCU_APB1LFZ1_WWDG),
            (chip.AP0_DBGMCU_APB4FZ1, chip.DBGMCU_APB4FZ1_IWDG),
        ):
            ap.write32(register, ap.read32(register) | bits)

    def bring_up_xspi2(self) -> bool:
        """Map XSPI2 in 1S by running Init and UnInit of the flash code, leaving RAM and registers as they were.

        Only while the boot ROM (or flash code) owns the core: a port that firmware set up is not ours to reset. Gives
        False where it must not or cannot be done.
        """
        core = self.selected_core
        flash = getattr(self.memory_map.get_region_for_address(chip.XSPI2_BASE), "flash", None)
        if core is None or flash is None or core.run_token == self._failed_at:
            return False
        running = not core.is_halted()
        if running:
            core.halt()
            core.wait_halted()
        pc = core.read_core_register("pc")
        in_boot_rom = chip.BOOT_ROM <= pc < chip.BOOT_ROM + chip.BOOT_ROM_SIZE
        in_flash_code = chip.LOADER_BASE <= pc < chip.LOADER_BASE + chip.LOADER_SIZE
        if in_boot_rom or in_flash_code:
            done = self._run_init(core, flash)
        else:
            LOG.warning("XSPI2 is not memory-mapped and firmware owns the core (PC %#010x): left as it is", pc)
            done = False
        if running:
            core.resume()
        self._failed_at = None if done else core.run_token
        return done

    def _run_init(self, core: Any, flash: Flash) -> bool:
        algo = flash.flash_algo
        ranges = [
            (algo["load_address"], len(algo["instructions"])),
            (algo["begin_stack"] - chip.LOADER_STACK_SIZE, chip.LOADER_STACK_SIZE // 4),
        ]
        names = [*range(17), "msplim_s", "psplim_s", "cfbp"]
        registers = core.read_core_registers_raw(names)
        mpu = core.read32(chip.MPU_CTRL)
        memory = [(start, core.read_memory_block32(start, words)) for start, words in ranges]
        try:
            flash.init(Flash.Operation.VERIFY)
            flash.cleanup()
        except (exceptions.FlashFailure, exceptions.TransferError) as exc:
            LOG.warning("XSPI2 could not be brought up: %s", exc)
            return False
        finally:
            for start, words in memory:
                core.write_memory_block32(start, words)
            core.write_core_registers_raw(names, registers)
            core.write32(chip.MPU_CTRL, mpu)
        return True


class STM32N6570_DK(STM32N657):  # noqa: N801  the board's name
    """The same chip with the 128 MiB NOR of the STM32N6570-DK."""

    FLASH_SIZE = 0x800_0000


def _refused(address: int, size: int, why: str) -> Exception:
    LOG.warning("access to %#010x refused: %s", address, why)
    error: Exception = exceptions.TransferFaultError(why, fault_address=address, length=size)
    return error


TARGETS: dict[str, type[STM32N657]] = {
    "stm32n657x0": STM32N657,
    # Spellings of the CMSIS pack (Keil.STM32N6xx_DFP). Its targets lack the NOR; a registered name wins over a pack.
    **{f"stm32n657{package}hxq": STM32N657 for package in ("x0", "l0", "b0", "i0", "z0", "a0")},
    "stm32n6570_dk": STM32N6570_DK,
}
"""Names for `pyocd -t` and the classes behind them."""


def register() -> None:
    """Make pyOCD know the targets of this file; a target of the same name that is there already stays."""
    from pyocd.target import TARGET

    for name, cls in TARGETS.items():
        TARGET.setdefault(name, cls)
