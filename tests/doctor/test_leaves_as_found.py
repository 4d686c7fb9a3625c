"""The doctor changes nothing that stays: a program runs on, flash, registers and bus mode stay."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from n6prog.targets import chip

from .conftest import Case

APP = 0x7010_0400
COUNTER = 0x3400_0000
# ldr r0,[pc,#8]; loop: ldr r1,[r0]; adds r1,#1; str r1,[r0]; b loop; nop; .word COUNTER
COUNT_UP = struct.pack("<6HI", 0x4802, 0x6801, 0x3101, 0x6001, 0xE7FB, 0xBF00, COUNTER)
VTOR = 0xE000_ED08
# Everything the doctor may touch to reach the NOR: RCC enables, PWR, and of each XSPI and port N what they hold.
RCC = [chip.RCC + offset for offset in (0x24C, 0x254, 0x25C, 0x260, 0x278, 0x158)]


def start_program(case: Case) -> None:
    """Flash a program that counts, and start it from the flash: the window is mapped, the core runs in it."""
    image = case.folder.parent / "count.bin"
    image.write_bytes(struct.pack("<2I", 0x3402_0000, APP + 0x40 | 1) + bytes(0x38) + COUNT_UP)
    assert case.run("flash", f"{image}@{APP:#x}", "--after", "none").code == 0
    with case.link() as link:
        link.read(chip.XSPI2_BASE, 4)  # mapped
        link.target.write_core_register("msplim_s", 0)
        link.target.write_core_register("sp", 0x3402_0000)
        link.target.write_core_register("pc", APP + 0x40)
        link.write32(COUNTER, 0)
        link.write32(VTOR, APP & ~0x7F)
        link.resume()


def counter(case: Case) -> int:
    with case.board() as board:
        return int.from_bytes(board.read(COUNTER, 4), "little")


def state(case: Case) -> dict[str, Any]:
    """Registers that tell how flash port and clocks are set up."""
    with case.link("attach") as link:
        words = {hex(address): link.read32(address) for address in (*RCC, chip.PWR_SVMCR3)}
        if words[hex(chip.RCC_AHB5ENR)] & chip.RCC_AHB5_XSPI2:
            registers = (0x000, 0x008, 0x00C, 0x100, 0x108, 0x110, 0x130, 0x180)
            words |= {hex(chip.XSPI2 + offset): link.read32(chip.XSPI2 + offset) for offset in registers}
            words[hex(chip.XSPIM)] = link.read32(chip.XSPIM)
        if words[hex(chip.RCC + 0x25C)] & 1 << 13:
            words |= {hex(0x5602_3400 + offset): link.read32(0x5602_3400 + offset) for offset in (0, 8, 12, 32, 36)}
        return words


@pytest.mark.parametrize("connect", ["auto", "attach", "halt"])
def test_a_running_program_runs_on(case: Case, connect: str) -> None:
    start_program(case)
    before, nor = state(case), (case.folder / "nor.bin").read_bytes()
    started = counter(case)
    done = case.doctor("--connect", connect)
    assert done.code == 0
    assert done.checks["core"]["evidence"]["owner"] == "a program"
    first = counter(case)
    with case.link("attach") as link:
        assert not link.read32(chip.DHCSR) & 1 << 17  # S_HALT
        link.sleep(0.01)
        assert link.read32(COUNTER) > first > started
    assert state(case) == before
    assert (case.folder / "nor.bin").read_bytes() == nor


def test_what_would_disturb_a_running_program_is_not_checked(case: Case) -> None:
    start_program(case)
    for connect in ("auto", "attach"):
        done = case.doctor("--connect", connect)
        assert int(done.findings["N-PROGRAM"]["evidence"]["VTOR"], 16) == APP & ~0x7F
        checks = done.checks
        for name in ("NOR", "SFDP", "NOR status", "images"):
            assert checks[name]["verdict"] == "not checked"
            assert "a program runs" in checks[name]["says"]
            assert "--connect halt" in checks[name]["advice"]


def test_a_halted_program_lends_the_flash_port_and_its_mapping(case: Case) -> None:
    start_program(case)
    checks = case.doctor("--connect", "halt").checks
    assert checks["NOR"]["verdict"] == "ok"
    assert checks["NOR"]["evidence"]["rdid"] == "C2 80 3A"
    assert checks["XSPI"]["evidence"]["XSPI2"] == "memory-mapped"
    assert checks["SFDP"]["evidence"]["size_mib"] == 64


@pytest.mark.parametrize("connect", ["auto", "halt"])
def test_the_boot_roms_loop_and_the_reset_state_stay(case: Case, connect: str) -> None:
    case.flash(case.file)
    with case.board() as board:
        board.power_cycle()
    before = state(case)
    assert case.doctor("--connect", connect).checks["NOR"]["evidence"]["mode"] == "1S"
    assert state(case) == before
    with case.board() as board:
        assert 0x1800_0000 <= board.registers["pc"] < 0x1802_0000


@pytest.mark.parametrize(("left", "mode"), [("left-8s", "8S"), ("left-8d", "8D")])
def test_the_bus_mode_of_the_flash_stays(case: Case, left: str, mode: str) -> None:
    done = case.doctor(faults=left)
    assert done.checks["NOR"]["evidence"]["mode"] == mode
    assert done.checks["SFDP"]["evidence"]["size_mib"] == 64
    with case.board() as board:
        assert board.nor.mode == mode
