"""Checks of the probe, the wire and the chip. Each is one function of the bench, and reads only what always answers."""

from __future__ import annotations

from n6prog.doctor.bench import S_LOCKUP, S_SLEEP, VTOR, Bench
from n6prog.doctor.explain import explain
from n6prog.doctor.types import Check, Evidence, judged, not_checked
from n6prog.findings import Finding
from n6prog.link import firmware_trouble, format_clock
from n6prog.targets import chip

HALT_ADVICE = "Use --connect halt: the program stands still meanwhile and runs on afterwards."
OWNED = "a program runs, and looking would disturb it"

_READS = 16  # of 256 bytes, at each clock
_STEPS = (1_000_000, 3_300_000, 8_000_000)
_LOW = 2.7  # volts; ST's boards have 3.3, and less is a supply that sags
_PART_WORD, _BOOT_WORD, _HSLV_WORD = 9, 11, 124  # OTP (hw-soc 1.5, 2, 5)
_HSLV_VDDIO3 = 1 << 15
_OTPCR, _OTPSR = 0xC04, 0xE44
_SV, _RANGE = {"VDDIO2": 1 << 8, "VDDIO3": 1 << 9}, {"VDDIO2": 1 << 25, "VDDIO3": 1 << 26}  # PWR_SVMCR3
_MEMENR_AXISRAM = 0xF
_XSPI_DCR1, _XSPI_CCR, _XSPI_TCR = 0x008, 0x100, 0x108
_CCR_DDTR = 1 << 27


def check_probe(bench: Bench) -> Check:
    """The probe and its firmware."""
    seen = bench.seen
    if seen is None:
        return not_checked("probe", bench.why_not)
    evidence = {
        "probe": seen.name,
        "id": seen.unique_id,
        "firmware": seen.firmware or "unknown",
        "trouble": firmware_trouble(seen.firmware),
    }
    says = f"{seen.name} {seen.unique_id}, firmware {evidence['firmware']}"
    return judged("probe", says, evidence, explain(evidence, seen.name))


def check_voltage(bench: Bench) -> Check:
    """The target's supply, as the probe measures it."""
    seen = bench.seen
    if seen is None or seen.voltage is None:
        return not_checked("voltage", "this probe does not measure it" if seen else bench.why_not)
    evidence: Evidence = {"voltage": f"{seen.voltage:.2f} V", "low_voltage": int(seen.voltage < _LOW)}
    return judged("voltage", f"{seen.voltage:.2f} V", evidence, explain(evidence, "target"))


def check_ports(bench: Bench) -> Check:
    """Debug port and access ports."""
    if bench.link is None:
        if bench.failure is None:
            return not_checked("debug ports", bench.why_not)
        first = bench.failure.findings[0]
        return judged("debug ports", first.text, first.evidence, bench.failure.findings)
    ids = bench.link.port_ids()
    sr = bench.link.read_ap0(chip.AP0_DBGMCU_SR)
    idcode = bench.link.read_ap0(chip.AP0_DBGMCU_IDCODE)
    evidence: Evidence = {
        **{name: f"0x{value:08X}" for name, value in ids.items()},
        "DBGMCU_IDCODE": f"{idcode:#010x}",
        "DBGMCU_SR": f"{sr:#010x}",
        "AP1": "open" if sr & chip.DBGMCU_SR_AP1_ENABLE else "closed",
    }
    says = f"DPIDR {evidence['DPIDR']}, AP0 ok, AP1 {evidence['AP1']}, DEV_ID {idcode & 0xFFF:#05x}"
    return judged("debug ports", says, evidence, explain(evidence))


def check_clock(bench: Bench) -> Check:
    """The clock that was granted, and how many reads of the boot ROM fail at each step up to it, or to 8 MHz."""
    if bench.link is None:
        return not_checked("SWD clock", bench.why_not)
    link = bench.link
    evidence: dict[str, str | int | float | None] = {"granted": format_clock(link.swd_clock_hz), "reads": _READS}
    findings: list[Finding] = []
    told: list[str] = []
    limit = max(link.swd_clock_hz, _STEPS[-1] if bench.auto_clock else 0)
    for step in sorted({*(step for step in _STEPS if step < limit), limit}):
        granted, errors = link.quality(step, _READS)
        name = format_clock(granted)
        evidence[f"errors at {name}"] = errors
        told.append(f"{name}: {errors}")
        findings += explain({"clock": name, "reads": _READS, "errors": errors}, "SWD")
        if errors:
            break
    says = f"{evidence['granted']} granted; wrong reads of {_READS} at " + ", ".join(told)
    return judged("SWD clock", says, evidence, tuple(findings))


def check_core(bench: Bench) -> Check:
    """Who has the core. Only a halted one is asked for its registers."""
    if bench.link is None:
        return not_checked("core", bench.why_not)
    link = bench.link
    dhcsr = link.read32(chip.DHCSR)
    halted = bench.is_halted
    owner = "the boot ROM" if bench.rom_owns_core else "a program"
    evidence: dict[str, str | int | float | None] = {
        "found": "running" if link.was_running else "halted",
        "DHCSR": f"{dhcsr:#010x}",
        "VTOR": f"{bench.once(VTOR):#010x}",
        "owner": owner,
        "lockup": int(bool(dhcsr & S_LOCKUP)),
        "sleeping": int(bool(dhcsr & S_SLEEP)),
    }
    if halted:
        for name in ("pc", "sp", "msplim_s"):
            evidence[name.upper()] = f"{link.core_register(name):#010x}"
        evidence["CFSR"], evidence["HFSR"] = f"{link.read32(chip.CFSR):#010x}", f"{link.read32(chip.HFSR):#010x}"
    says = f"found {evidence['found']}, {owner} has it" + (f", PC {evidence['PC']}" if halted else "")
    return judged("core", says, evidence, explain(evidence, "core"))


def check_boot_mode(bench: Bench) -> Check:
    """The BOOT pins, where they can be read without changing anything that a program may notice."""
    if bench.link is None:
        return not_checked("boot mode", bench.why_not)
    link = bench.link
    clocks = link.read32(chip.RCC_APB4ENR2)
    is_on = bool(clocks & chip.RCC_APB4ENR2_SYSCFG)
    if not is_on and not bench.may_borrow:
        why = f"{OWNED}: SYSCFG's clock is off, and reading the pins switches it on"
        return not_checked("boot mode", why, HALT_ADVICE, {"APB4ENR2": f"{clocks:#010x}"})
    bootsr = link.read32(chip.SYSCFG_BOOTSR)  # the link switches the clock on first
    if not is_on:
        link.write32(chip.RCC + 0x1278, chip.RCC_APB4ENR2_SYSCFG)  # APB4ENCR2: as it was found
    bench.boot1 = bootsr >> 1 & 1
    mode = "development boot" if bootsr & 2 else "serial boot" if bootsr & 1 else "flash boot"
    evidence: Evidence = {
        "SYSCFG_BOOTSR": f"{bootsr:#010x}",
        "BOOT0": bootsr & 1,
        "BOOT1": bootsr >> 1 & 1,
        "APB4ENR2": f"{clocks:#010x}",
        "syscfg_clock": "on" if is_on else "off",
    }
    says = f"{mode}: SYSCFG_BOOTSR says BOOT1 = {bootsr >> 1 & 1}, BOOT0 = {bootsr & 1}"
    return judged("boot mode", says, evidence, explain(evidence, "SYSCFG"))


def check_silicon(bench: Bench) -> Check:
    """The revision words of the boot ROM, and the header version that they mean."""
    if bench.link is None:
        return not_checked("silicon", bench.why_not)
    words = [bench.once(address) for address in chip.REVISION_WORDS]
    cut = chip.cut_of(*words)
    evidence: Evidence = {
        "word_47EC": f"{words[0]:#x}",
        "word_1004": f"{words[1]:#x}",
        "cut": cut.name if cut else "unknown",
        "header": cut.header if cut else None,
    }
    says = f"cut {cut.name} (package code {cut.letter}): wants header version {cut.header}" if cut else "cut unknown"
    return judged("silicon", says, evidence, explain(evidence, "boot ROM"))


def check_bsec(bench: Bench) -> Check:
    """Life cycle and fuse words. Words behind the read handshake are asked for only where no program uses BSEC."""
    if bench.link is None:
        return not_checked("BSEC", bench.why_not)
    link = bench.link
    if not link.read32(chip.RCC_APB4ENR2) & chip.RCC_APB4ENR2_BSEC:
        return not_checked("BSEC", "its clock is off", "Cycle the power; the boot ROM leaves it on.")
    nvstate = link.read32(chip.BSEC_SR) >> 26
    words = {number: link.read32(chip.BSEC_FVR + 4 * number) for number in (_PART_WORD, _BOOT_WORD)}
    if bench.may_borrow:
        link.write32(chip.BSEC + _OTPCR, _HSLV_WORD)  # an address alone reads; PROG and PPLOCK stay 0
        end = link.now() + 0.1
        while link.read32(chip.BSEC + _OTPSR) & 1 and link.now() < end:
            pass
        words[_HSLV_WORD] = link.read32(chip.BSEC_FVR + 4 * _HSLV_WORD)
    hslv = words.get(_HSLV_WORD)
    evidence: Evidence = {
        "state": chip.BSEC_NVSTATES.get(nvstate, "unknown"),
        "nvstate": f"{nvstate:#04x}",
        **{f"OTP{number}": f"{word:#010x}" for number, word in words.items()},
        "HSLV_VDDIO3": None if hslv is None else int(bool(hslv & _HSLV_VDDIO3)),
    }
    fuses = ", ".join(f"OTP{number} {word:#x}" for number, word in words.items())
    return judged("BSEC", f"life cycle {evidence['state']}; {fuses}", evidence, explain(evidence, "BSEC"))


def check_power(bench: Bench) -> Check:
    """The supply of the flash's pads, as PWR has it."""
    if bench.link is None:
        return not_checked("power", bench.why_not)
    wiring = bench.board.wiring
    svmcr3 = bench.link.read32(chip.PWR_SVMCR3)
    evidence: Evidence = {
        "SVMCR3": f"{svmcr3:#010x}",
        "rail": wiring.rail,
        "valid": int(bool(svmcr3 & _SV[wiring.rail])),
        "range_1v8": int(bool(svmcr3 & _RANGE[wiring.rail])),
        "declared_1v8": int(wiring.range_1v8),
    }
    range_ = "1.8 V" if evidence["range_1v8"] else "3.3 V"
    says = f"{wiring.rail} {'declared valid' if evidence['valid'] else 'not declared valid'}, {range_} range"
    return judged("power", says, evidence, explain(evidence, wiring.rail))


def check_memories(bench: Bench) -> Check:
    """Which of the NPU's RAMs are switched off; RAMCFG is read only while its clock is on."""
    if bench.link is None:
        return not_checked("memories", bench.why_not)
    link = bench.link
    enabled = link.read32(chip.RCC_MEMENR)
    ramcfg = bool(link.read32(chip.RCC_AHB2ENR) & chip.RCC_AHB2_RAMCFG)
    off, shut = [], []
    for number in range(4):
        address = chip.RAMCFG_AXISRAM3_CR + number * chip.RAMCFG_STRIDE
        down = ramcfg and bool(link.read32(address) & chip.RAMCFG_CR_SRAMSD)
        shut.append("1" if down else "0")
        if down or not enabled >> number & 1:
            off.append(f"AXISRAM{number + 3}")
    evidence: Evidence = {
        "MEMENR": f"{enabled:#010x}",
        "RAMCFG": f"SRAMSD {''.join(shut)}" if ramcfg else "clock off",
        "banks": ", ".join(off),
    }
    says = f"{evidence['banks']} off" if off else "AXISRAM1 to 6 are on"
    return judged("memories", says, evidence, explain(evidence, "RAM"))


def check_xspi(bench: Bench) -> Check:
    """XSPI2 as the program left it. Its registers are read only while its clock is on."""
    if bench.link is None:
        return not_checked("XSPI", bench.why_not)
    link = bench.link
    clocks = link.read32(chip.RCC_AHB5ENR)
    evidence: dict[str, str | int | float | None] = {"AHB5ENR": f"{clocks:#010x}"}
    if clocks & chip.RCC_AHB5_XSPIM:
        routing = link.read32(chip.XSPIM)
        evidence |= {"XSPIM_CR": f"{routing:#010x}", "flash_port": "XSPI1" if routing & 2 else "XSPI2"}
    for name, base, bit in (
        ("XSPI1", chip.XSPI1, chip.RCC_AHB5_XSPI1),
        ("XSPI2", chip.XSPI2, chip.RCC_AHB5_XSPI2),
        ("XSPI3", chip.XSPI3, chip.RCC_AHB5_XSPI3),
    ):
        evidence[name] = _state(link.read32(base)) if clocks & bit else "clock off"
    if clocks & chip.RCC_AHB5_XSPI2:
        dcr1, ccr = (link.read32(chip.XSPI2 + register) for register in (_XSPI_DCR1, _XSPI_CCR))
        evidence |= {"DCR1": f"{dcr1:#010x}", "CCR": f"{ccr:#010x}", "mtyp": dcr1 >> 24 & 7}
        evidence["TCR"] = f"{link.read32(chip.XSPI2 + _XSPI_TCR):#010x}"
        mapped = evidence["XSPI2"] == "memory-mapped"
        evidence |= {"dtr": int(mapped and bool(ccr & _CCR_DDTR)), "swaps_pairs": int(bench.part.swaps_pairs)}
    says = f"XSPI2 {evidence['XSPI2']}, XSPI1 {evidence['XSPI1']}, XSPI3 {evidence['XSPI3']}"
    return judged("XSPI", says, evidence, explain(evidence, "XSPI2"))


def _state(control: int) -> str:
    if not control & chip.XSPI_CR_EN:
        return "off"
    return "memory-mapped" if control & chip.XSPI_CR_FMODE == chip.XSPI_CR_FMODE_MAPPED else "on, indirect"
