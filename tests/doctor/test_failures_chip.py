"""Failures of core, memories, power and fuses (users.md F21 to F52, F76 to F82), through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from n6prog.targets import chip

from .conftest import Case

VTOR = 0xE000_ED08
XSPIM_CR = chip.XSPIM


def test_f22_a_core_in_lockup_is_told_and_flashed_all_the_same(case: Case) -> None:
    with case.link() as link:
        link.target.write_core_register("msplim_s", 0)
        link.write(0x3400_0000, bytes(0x200))
        link.write32(VTOR, 0x3400_0000)  # every handler is at 0
        link.write(0x3400_0100, b"\x00\xde")  # udf #0
        link.target.write_core_register("sp", 0x3402_0000)
        link.target.write_core_register("pc", 0x3400_0100)
        link.resume()
        link.sleep(0.01)
    done = case.doctor()
    found = done.findings["W-LOCKUP"]
    assert int(found["evidence"]["DHCSR"], 16) >> 19 & 1 == 1
    assert "no power cycle is needed" in found["not_this"]
    assert done.checks["core"]["verdict"] == "warn"
    assert case.flash().code == 0


def test_f23_the_boot_roms_stack_limit_is_told_and_cleared_for_the_loader(case: Case) -> None:
    found = case.doctor("--connect", "halt").findings["N-STACK-LIMIT"]
    assert int(found["evidence"]["MSPLIM_S"], 16) != 0
    assert "MSPLIM and PSPLIM" in found["cure"]
    assert case.flash().code == 0


@pytest.mark.parametrize("address", [0x1000_0000, 0x3000_0000, 0x0000_0000])
def test_f25_tcm_that_was_never_written_is_no_missing_memory(case: Case, tmp_path: Path, address: int) -> None:
    done = case.run("read", f"{address:#x}+16", "-o", tmp_path / "tcm.bin")
    assert done.code == 5
    found = done.findings["E-TCM-ECC"]
    assert found["evidence"]["address"] == address
    assert "write whole words before the first read" in found["cure"]
    assert case.flash().code == 0


def test_f26_the_npus_memories_are_off_and_are_switched_on_for_a_read(case: Case, tmp_path: Path) -> None:
    found = case.doctor().findings["N-AXISRAM-OFF"]
    assert found["evidence"]["banks"] == "AXISRAM3, AXISRAM4, AXISRAM5, AXISRAM6"
    assert found["evidence"]["RAMCFG"] == "SRAMSD 1111"
    assert "switch them on at the first access" in found["cure"]
    assert case.run("read", "0x34200000+16", "-o", tmp_path / "ram.bin").code == 0
    assert "AXISRAM1 to 6 are on" in case.doctor().checks["memories"]["says"]
    assert case.flash().code == 0


def test_f27_f33_a_syscfg_without_clock_is_told_and_never_hangs_a_second_run(case: Case) -> None:
    for _ in range(2):
        with case.link() as link:
            link.write32(chip.RCC + 0x1278, chip.RCC_APB4ENR2_SYSCFG)  # as SystemInit ends: RCC_APB4ENCR2
        found = case.doctor().findings["N-SYSCFG-OFF"]
        assert int(found["evidence"]["APB4ENR2"], 16) & 1 == 0
        assert "hang the bus" in found["cure"]
        assert case.flash().code == 0


def test_f27_f33_f35_a_bus_that_hangs_is_told_and_that_only_power_helps(case: Case) -> None:
    with case.board() as board, pytest.raises(Exception, match="hangs"):
        board.read(chip.XSPI2_BASE, 4)  # the window is not mapped: what gdb's memory view does
    for connect in ("auto", "under-reset"):
        done = case.flash(case.file, "--connect", connect)
        assert done.code == 5
        found = done.findings["E-AP1-DEAD"]
        assert found["evidence"]["AP0"] == "ok"
        assert "Only power helps" in found["cure"]
    told, found = case.doctor().findings["E-AP1-DEAD"], case.flash().findings["E-AP1-DEAD"]
    assert (told["text"], told["cure"], told["not_this"]) == (found["text"], found["cure"], found["not_this"])
    assert found["evidence"].pop("tried") == (  # flash tries a reset too, the doctor never does
        "--connect halt at 1 MHz: E-AP1-DEAD; --connect under-reset at 1 MHz: E-AP1-DEAD"
    )
    assert told["evidence"] == found["evidence"]
    with case.board() as board:
        board.power_cycle()
    assert case.flash().code == 0


def test_f40_a_flash_port_that_was_given_to_xspi1_is_told_and_taken_back(case: Case) -> None:
    with case.link() as link:
        link.write32(chip.RCC + 0xA60, chip.RCC_AHB5_XSPIM | chip.RCC_AHB5_XSPI1)
        link.write32(XSPIM_CR, 2)
        link.write32(chip.XSPI1, chip.XSPI_CR_EN)
    done = case.doctor()
    found = done.findings["W-XSPIM"]
    assert found["evidence"]["XSPIM_CR"] == "0x00000002"
    assert "fails the next warm boot" in found["cure"]
    assert done.checks["NOR"]["evidence"]["rdid"] == "C2 80 3A"
    with case.link("attach") as link:
        assert (link.read32(XSPIM_CR), link.read32(chip.XSPI1)) == (2, chip.XSPI_CR_EN)
    assert case.flash().code == 0


def test_f43_a_mapping_with_the_wrong_memory_type_is_told(case: Case) -> None:
    with case.link() as link:
        link.write32(chip.RCC + 0xA60, chip.RCC_AHB5_XSPIM | chip.RCC_AHB5_XSPI2)
        for register, value in ((0x008, 0x0019_0100), (0x100, 0x2C00_3C1C), (0x108, 0x1000_0014), (0x110, 0xEE11)):
            link.write32(chip.XSPI2 + register, value)  # hw-soc 7.5, with MTYP 0 instead of 1
        link.write32(chip.XSPI2, 0x3000_0301)
    found = case.doctor().findings["W-MTYP"]
    assert (found["evidence"]["mtyp"], found["evidence"]["DCR1"]) == (0, "0x00190100")
    assert "Macronix" in found["cure"]
    assert case.flash().code == 0


def test_f46_a_rail_that_is_not_declared_is_told_and_declared_for_the_flash(case: Case) -> None:
    done = case.doctor()
    found = done.findings["N-RAIL"]
    assert (found["evidence"]["rail"], found["evidence"]["SVMCR3"]) == ("VDDIO3", "0x00000000")
    assert "VDDIO3SV" in found["cure"]
    assert done.checks["NOR"]["verdict"] == "ok"
    assert case.flash().code == 0


def test_f47_the_fuse_for_fast_pads_is_read_and_told(case: Case) -> None:
    found = case.doctor().findings["N-HSLV"]
    assert (found["evidence"]["OTP124"], found["evidence"]["HSLV_VDDIO3"]) == ("0x00000000", 0)
    assert "never writes fuses" in found["cure"]
    assert case.flash().code == 0


def test_f50_a_supply_that_sags_is_told(case: Case) -> None:
    done = case.doctor(faults="voltage:2.41")
    found = done.findings["W-VOLTAGE"]
    assert found["evidence"]["voltage"] == "2.41 V"
    assert "USB-C to USB-C" in found["cure"]
    assert case.flash().code == 0


@pytest.mark.parametrize("moment", ["@100ms", "@130ms", "@170ms", "@180ms"])
def test_f50_power_that_goes_in_the_middle_is_told_as_that(case: Case, moment: str) -> None:
    done = case.flash(faults=f"power-cut{moment}")
    assert done.code == 5
    found = done.findings["E-POWER-LOST"]
    assert found["evidence"]["voltage"] == "0.00 V"
    assert "no hub without power" in found["cure"]
    with case.board() as board:
        board.power_on()
    assert case.flash().code == 0


def test_f51_a_board_without_power_is_told_with_the_power_jumper(case: Case) -> None:
    with case.board() as board:
        board.power_off()
    for done in (case.flash(), case.doctor()):
        assert done.code == 5
        found = done.findings["E-NOANSWER"]
        assert found["evidence"]["voltage"] == "0.00 V"
        assert "CN9 on STLK" in found["cure"]
    with case.board() as board:
        board.power_on()
    assert case.flash().code == 0


def test_f52_pads_in_the_range_of_another_rail_are_told(case: Case, tmp_path: Path) -> None:
    profile = (Path(chip.__file__).parent / "boards" / "nucleo-n657x0-q.toml").read_text()
    mine = tmp_path / "mine.toml"
    mine.write_text(profile.replace("range_1v8 = true", "range_1v8 = false"))
    with case.link() as link:
        link.write32(chip.PWR_SVMCR3, 1 << 26 | 1 << 9)
    done = case.doctor("--board", str(mine))
    found = done.findings["W-RANGE"]
    assert (found["evidence"]["SVMCR3"], found["evidence"]["rail"]) == ("0x04000200", "VDDIO3")
    assert "Take power away" in found["cure"]
    assert "W-RANGE" not in case.doctor().findings


@pytest.mark.parametrize(("nvstate", "code"), [(0x0D, "N-BSEC-CLOSED"), (0x23, "W-BSEC"), (0x07, "W-BSEC")])
def test_f81_f82_the_life_cycle_is_told_and_closed_is_normal(case: Case, nvstate: int, code: str) -> None:
    done = case.doctor(faults=f"life-cycle:{nvstate:02x}")
    found = done.findings[code]
    assert found["evidence"]["nvstate"] == f"{nvstate:#04x}"
    assert done.checks["BSEC"]["verdict"] == ("ok" if nvstate == 0x0D else "warn")
    assert nvstate != 0x0D or "Nothing to do" in found["cure"]
    assert case.flash().code == 0
