"""The debug port and the core's debug state, as a real pyOCD session meets them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn")

from pyocd.core import exceptions
from pyocd.core.session import Session
from pyocd.core.target import Target

from n6prog.sim import SimBoard

CODE = 0x3407_0000
DHCSR, DEMCR, AIRCR = 0xE000_EDF0, 0xE000_EDFC, 0xE000_ED0C
DBGMCU_SR = 0x8000_10FC
S_LOCKUP = 1 << 19


@contextmanager
def session(board: SimBoard, folder: Path, **options: object) -> Iterator[Any]:
    settings = {
        "target_override": "cortex_m",
        "no_config": True,
        "project_dir": str(folder),
        "connect_mode": "halt",
        "frequency": 8_000_000,
        "reset.post_delay": 0.05,
        **options,
    }
    with Session(board.probe(), options=settings) as opened:
        yield opened


@pytest.fixture
def board() -> Iterator[SimBoard]:
    with SimBoard() as opened:
        yield opened


@pytest.fixture
def target(board: SimBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)  # undoes pyOCD's own change of directory
    with session(board, tmp_path) as opened:
        yield opened.target


def test_discovery_finds_a_cortex_m55_with_eight_breakpoints(target: Any) -> None:
    core = target.cores[0]
    assert core.name == "Cortex-M55"
    assert (core.cpu_revision, core.cpu_patch) == (1, 1)
    assert core.fpb.nb_code == 8
    assert len(core.dwt.watchpoints) == 4


def test_the_core_waits_in_the_boot_rom_loop(target: Any) -> None:
    assert target.get_state() is Target.State.HALTED
    assert 0x1800_0000 <= target.read_core_register("pc") < 0x1802_0000
    assert target.read_core_register("msplim_s") != 0
    assert target.read32(0xE000_ED14) == 0x201  # CCR


def test_registers_keep_what_is_written(target: Any) -> None:
    values = {"r0": 0x1234_5678, "r7": 1, "r12": 0xFFFF_FFFF, "lr": 0x3400_0001, "sp": 0x3407_8000, "primask": 1}
    for name, value in values.items():
        target.write_core_register(name, value)
    assert {name: target.read_core_register(name) for name in values} == values


def test_ram_takes_every_width_and_alignment(target: Any) -> None:
    data = list(range(1, 200))
    target.write_memory_block8(0x3408_0003, data)
    assert target.read_memory_block8(0x3408_0003, len(data)) == data
    target.write8(0x3408_0001, 0xAB)
    target.write16(0x3408_0002, 0xCDEF)
    assert target.read32(0x3408_0000) >> 8 == 0xCDEFAB
    words = [index * 0x0101_0101 & 0xFFFF_FFFF for index in range(5000)]
    target.write_memory_block32(0x3404_0000, words)  # across FLEXRAM and AXISRAM1, and ST-Link's 6144 bytes
    assert target.read_memory_block32(0x3404_0000, 5000) == words


def test_a_hole_faults_and_the_next_access_works(target: Any) -> None:
    for access in (lambda: target.read32(0x3E00_0000), lambda: target.write32(0x3E00_0000, 1)):
        with pytest.raises(exceptions.TransferFaultError) as caught:
            access()
        assert caught.value.fault_address == 0x3E00_0000
        target.write32(0x3407_0000, 0xA5A5_5A5A)
        assert target.read32(0x3407_0000) == 0xA5A5_5A5A


def test_after_a_fault_the_port_refuses_until_the_error_is_cleared(board: SimBoard) -> None:
    board.dp.write_dp(4, 0x5000_0000, 0)
    ack, _, address = board.dp.read_block(1, 0x3E00_0000, 4, 4)
    assert (ack.name, address) == ("FAULT", 0x3E00_0000)
    assert board.dp.read_ap(1, 0)[0].name == "FAULT"
    assert board.dp.read_dp(4, 0)[1] & 1 << 5  # STICKYERR
    board.dp.write_dp(0, 4, 0)  # ABORT.STKERRCLR
    assert board.dp.read_ap(1, 0)[0].name == "OK"


def test_a_hardware_breakpoint_stops_before_the_instruction(target: Any) -> None:
    target.write_memory_block8(CODE, bytes.fromhex("0120 0230 0330 fee7"))  # movs r0,#1; adds #2; adds #3; b .
    target.set_breakpoint(CODE + 4, Target.BreakpointType.HW)
    target.write_core_register("pc", CODE)
    target.resume()
    assert target.get_state() is Target.State.HALTED
    assert target.read_core_register("pc") == CODE + 4
    assert target.read_core_register("r0") == 3
    target.remove_breakpoint(CODE + 4)
    target.step()
    assert target.read_core_register("pc") == CODE + 6
    assert target.read_core_register("r0") == 6


def test_a_bkpt_in_ram_halts(target: Any) -> None:
    target.write_memory_block8(CODE, bytes.fromhex("2a20 00be"))  # movs r0, #42; bkpt
    target.write_core_register("pc", CODE)
    target.resume()
    assert target.get_state() is Target.State.HALTED
    assert (target.read_core_register("pc"), target.read_core_register("r0")) == (CODE + 2, 42)


def test_a_halt_is_seen_only_when_its_time_has_come(board: SimBoard, target: Any) -> None:
    # 10000 rounds of two instructions: 406 us, longer than one poll takes at 8 MHz
    target.write_memory_block8(CODE, bytes.fromhex("0138 fdd1 00be"))  # subs r0, #1; bne; bkpt
    target.write_core_register("r0", 30_000)
    target.write_core_register("pc", CODE)
    start = board.virtual_time
    target.resume()
    states = []
    while not states or states[-1] is not Target.State.HALTED:
        states.append(target.get_state())
    assert Target.State.RUNNING in states
    assert board.virtual_time - start >= 30_000 * 2 * 1.3 / 64e6


def test_a_push_below_the_limit_ends_in_lockup_and_a_halt_gets_out_of_it(board: SimBoard, target: Any) -> None:
    target.write_memory_block8(CODE, bytes.fromhex("10b5 fee7"))  # push {r4, lr}
    target.write_core_register("sp", 0x3407_8000)
    target.write_core_register("pc", CODE)
    target.write32(DEMCR, 1 << 24)  # no vector catch
    target.resume()
    assert target.get_state() is Target.State.LOCKUP
    target.halt()
    assert target.get_state() is Target.State.HALTED


def test_vector_catch_halts_a_fault_at_once(target: Any) -> None:
    target.write_memory_block8(CODE, bytes.fromhex("0068 fee7"))  # ldr r0, [r0]
    target.write_core_register("r0", 0x3E00_0000)
    target.write_core_register("pc", CODE)
    target.write32(DEMCR, 1 << 24 | 1 << 10)  # VC_HARDERR
    target.resume()
    assert target.get_state() is Target.State.HALTED
    assert target.read32(0xE000_ED38) == 0x3E00_0000  # BFAR
    frame = target.read_core_register("sp")
    assert target.read32(frame + 24) == CODE  # the stacked return address


def test_a_clockless_peripheral_kills_ap1_until_power_is_cycled(board: SimBoard, target: Any) -> None:
    with pytest.raises(exceptions.TransferTimeoutError):
        target.read32(0x5600_8000)  # SYSCFG, off after reset
    with pytest.raises(exceptions.TransferTimeoutError):
        target.read32(CODE)
    assert target.dp.read_reg(0) == 0x6BA0_2477
    board.power_cycle()
    assert board.read(0x1800_0000, 4) == (0x3420_0000).to_bytes(4, "little")


def test_a_reset_closes_ap1_until_the_boot_rom_opens_it(board: SimBoard, target: Any) -> None:
    target.write32(AIRCR, 0x05FA_0004)
    assert target.dp.read_reg(0) == 0x6BA0_2477
    assert not board.ap1_open()
    with pytest.raises(exceptions.TransferError):
        target.read32(CODE)
    board.host.advance(20_000_000_000)
    assert target.read32(CODE) is not None
    assert board.ap1_open()


def test_the_nor_does_not_notice_a_core_reset(board: SimBoard, target: Any) -> None:
    board.nor.content[0x123] = 0x42
    board.nor.mode = "8D"
    target.write32(AIRCR, 0x05FA_0004)
    target.dp.read_reg(0)
    assert (board.nor.mode, board.nor.content[0x123]) == ("8D", 0x42)


def test_without_development_boot_only_ap0_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with SimBoard(boot1=0) as board:
        probe = board.probe()
        options = {"target_override": "cortex_m", "no_config": True, "project_dir": str(tmp_path)}
        probe.session = Session(probe, options=options)
        probe.open()
        probe.connect()
        assert probe.read_dp(0) == 0x6BA0_2477
        ap0 = probe.get_memory_interface_for_ap(_ap(0))
        assert ap0.read_memory(DBGMCU_SR) & 0x3_0000 == 0x1_0000  # AP0 enabled, AP1 not
        assert ap0.read_memory(0x4400_10FC) == ap0.read_memory(DBGMCU_SR)
        with pytest.raises(exceptions.TransferError):
            probe.get_memory_interface_for_ap(_ap(1)).read_memory(CODE)
        probe.close()


def _ap(index: int) -> Any:
    from pyocd.coresight.ap import APv1Address

    return APv1Address(index)


def test_switched_off_rams_fault_until_ramcfg_powers_them(board: SimBoard, target: Any) -> None:
    if board.soc.ram_enabled("AXISRAM3"):
        target.write32(0x5202_3100, 1 << 20)  # RAMCFG_AXISRAM3CR.SRAMSD
    with pytest.raises(exceptions.TransferFaultError):
        target.read32(0x3420_0000)
    target.write32(0x5202_3100, 0)
    target.write32(0x3420_0000, 5)
    assert target.read32(0x3420_0000) == 5


def test_code_that_spins_in_ram_goes_on_when_the_host_rewrites_it(target: Any) -> None:
    target.write_memory_block8(CODE, bytes.fromhex("fee7 2a20 00be"))  # b .; movs r0, #42; bkpt
    target.write_core_register("pc", CODE)
    target.resume()
    assert target.get_state() is Target.State.RUNNING
    target.write16(CODE, 0xBF00)  # nop
    assert target.get_state() is Target.State.HALTED
    assert target.read_core_register("r0") == 42


@pytest.mark.parametrize(
    ("term", "broken"),
    [("no-wel", "no_wel"), ("drop-page:2", "drop_page"), ("stuck-wip", "stuck_wip"), ("mute", "mute")],
)
def test_faults_of_the_spec_reach_the_nor(term: str, broken: str) -> None:
    from n6prog.sim.spec import parse_spec

    with SimBoard(faults=parse_spec(f"sim:nucleo-n657x0-q,fault={term}").faults) as board:
        assert getattr(board.nor.faults, broken) in (True, {2})


def test_a_closed_ap1_can_be_had_by_a_fault() -> None:
    from n6prog.sim import SimAccess
    from n6prog.sim.spec import Fault

    with SimBoard(faults=(Fault("ap1-closed"),)) as board, pytest.raises(SimAccess, match="AP1 is closed"):
        board.read(CODE, 4)


def test_time_goes_on_with_a_breakpoint_elsewhere_while_the_core_spins_in_the_boot_rom(target: Any) -> None:
    target.resume()
    target.session.probe.virtual_clock.sleep(0.01)  # the core is in the boot ROM's branch to itself
    target.halt()
    target.set_breakpoint(CODE + 4, Target.BreakpointType.HW)
    target.resume()
    target.session.probe.virtual_clock.sleep(0.01)
    assert target.get_state() == Target.State.RUNNING
    target.halt()
    assert 0x1800_0000 <= target.read_core_register("pc") < 0x1802_0000
    target.reset_and_halt()
    target.remove_breakpoint(CODE + 4)


def test_a_breakpoint_on_the_branch_to_itself_stops_the_core(target: Any) -> None:
    target.halt()
    at = target.read_core_register("pc")
    target.set_breakpoint(at, Target.BreakpointType.HW)
    target.resume()
    target.session.probe.virtual_clock.sleep(0.01)
    assert target.get_state() == Target.State.HALTED
    target.remove_breakpoint(at)
