"""The link against the simulated board: pyOCD's ST-Link driver, clocks, resets, the boot ROM."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.errors import FlashFailure, TargetUnreachable, UsageError
from n6prog.link import Link, memory, open_link
from n6prog.targets import chip
from n6prog.targets.schema import load_board
from tests.helpers.sim_link import ADD_FOUR, CODE, SIM, STACK, connect, load


def is_in_boot_rom(link: Link) -> bool:
    pc: int = link.target.read_core_register("pc")
    return pc in range(chip.BOOT_ROM, chip.BOOT_ROM + chip.BOOT_ROM_SIZE)


def test_connecting_tells_who_is_there(link: Link) -> None:
    assert link.is_simulated
    about, probe = link.chip_info(), link.probe_info()
    assert (about.dev_id, about.letter, about.header) == (0x486, "B", "2.3")
    assert about.boot_mode == "development boot"
    assert about.bsec == "open"
    assert probe.voltage == pytest.approx(3.29, abs=0.05)
    assert probe.firmware.startswith("V3J")


def test_an_older_cut_wants_the_older_header() -> None:
    with connect(SIM + ",rev=Z") as link:
        assert (link.chip_info().letter, link.chip_info().header) == ("Z", "2.1")


@pytest.mark.parametrize(
    ("kind", "times", "code", "reads"),
    [
        ("TransferError", 1, "", 1),
        ("TransferError", 5, "", 5),
        ("TransferError", 100, "E-LINK-LOST", 7),  # six times more
        ("TransferFaultError", 1, "E-LINK-LOST", 1),  # is an answer, and the same again
    ],
)
def test_who_the_chip_is_is_asked_again_where_a_transfer_is_lost(
    monkeypatch: pytest.MonkeyPatch, kind: str, times: int, code: str, reads: int
) -> None:
    from pyocd.core import exceptions

    with connect() as link:
        plain, failed = link._ap.read_memory_block32, []

        def read(address: int, count: int) -> Any:
            if len(failed) < times:
                failed.append(address)
                raise getattr(exceptions, kind)("lost")
            return plain(address, count)

        monkeypatch.setattr(link._ap, "read_memory_block32", read)
        if code:
            with pytest.raises(TargetUnreachable) as caught:
                link.chip_info()
            assert caught.value.code == code
        else:
            assert link.chip_info().header == "2.3"
        assert len(failed) == reads


def test_auto_goes_up_to_8_mhz_and_the_granted_clock_is_read_back(link: Link) -> None:
    assert link.swd_clock_hz == 8_000_000
    assert link.findings == ()


@pytest.mark.parametrize(("asked", "granted"), [(24_000_000, 24_000_000), (5_000_000, 3_300_000), (200_000, 200_000)])
def test_an_asked_clock_is_rounded_down_by_the_probe(asked: int, granted: int) -> None:
    with connect(swd_clock=asked) as link:
        assert link.swd_clock_hz == granted


@pytest.mark.parametrize(("limit", "granted"), [(4_000_000, 3_300_000), (2_000_000, 1_000_000)])
def test_auto_steps_down_while_reads_differ_and_says_so(
    monkeypatch: pytest.MonkeyPatch, limit: int, granted: int
) -> None:
    real = memory.read

    def flaky(ap: Any, address: int, size: int, clock_hz: int, *rest: Any) -> bytes:
        data = real(ap, address, size, clock_hz, *rest)
        too_fast = ap.dp.probe.granted_clock_hz > limit
        return data[:-1] + bytes([data[-1] ^ 4]) if too_fast else data

    monkeypatch.setattr(memory, "read", flaky)
    with connect() as link:
        assert link.swd_clock_hz == granted
        assert [found.code for found in link.findings] == (["W-SWD-CLOCK"] if granted == 1_000_000 else [])


def test_an_asked_clock_that_does_not_carry_data_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real, count = memory.read, itertools.count()

    def flaky(*arguments: Any) -> bytes:
        data = real(*arguments)
        return data[:-1] + bytes([next(count) & 1])

    monkeypatch.setattr(memory, "read", flaky)
    with pytest.raises(TargetUnreachable) as caught:
        connect(swd_clock=24_000_000)
    found = caught.value.findings[0]
    assert (found.code, found.exit_code) == ("E-SWD-CLOCK", 5)
    assert "24 MHz" in found.text


def test_the_same_connection_takes_the_same_virtual_time() -> None:
    times = []
    for _ in range(2):
        with connect() as link:
            link.write(0x3400_0000, bytes(10_000))
            times.append(link.virtual_seconds())
    assert times[0] == times[1]


def test_sleeping_passes_virtual_time_only(link: Link) -> None:
    before = link.now()
    link.sleep(3600.0)
    assert link.now() - before == pytest.approx(3600.0)


@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_memory_comes_back_as_it_was_written(link: Link, offset: int) -> None:
    data = bytes(range(256)) * 60 + b"tail"
    link.write(0x3400_0000 + offset, data)
    assert link.read(0x3400_0000 + offset, len(data)) == data
    link.write32(0x3410_0000, 0xCAFE_F00D)
    assert link.read32(0x3410_0000) == 0xCAFE_F00D
    assert link.read(0x3410_0000, 4) == b"\x0d\xf0\xfe\xca"


def test_a_hole_in_the_map_is_a_refused_access_and_the_link_lives_on(link: Link) -> None:
    with pytest.raises(TargetUnreachable) as caught:
        link.read(0x3E00_0000, 16)
    assert caught.value.code == "E-BUS-FAULT"
    assert link.read32(chip.REVISION_WORDS[0]) == 0x200


def test_flash_boot_is_a_closed_port_with_both_boards_jumpers() -> None:
    with pytest.raises(TargetUnreachable) as caught:
        connect(SIM + ",boot1=0")
    found = caught.value.findings[0]
    assert (found.code, found.exit_code) == ("E-AP1-CLOSED", 5)
    assert found.evidence["DPIDR"] == "0x6BA02477"
    assert found.evidence["DBGMCU_SR.17"] == 0
    assert "JP2 (BOOT1) on 2-3" in found.cure
    assert "BOOT1 switch on 1-3" in found.cure


@pytest.mark.parametrize("spec", ["sim:no-such-board", "sim:nucleo-n657x0-q,colour=red", "sim:nucleo-n657x0-q,boot1=7"])
def test_a_spec_that_makes_no_sense_is_a_usage_error(spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        connect(spec)
    assert caught.value.code == "E-SIM-SPEC"


def test_an_unknown_connect_mode_is_a_usage_error() -> None:
    with pytest.raises(UsageError) as caught:
        connect(connect="softly")
    assert caught.value.code == "E-CONNECT-MODE"


def test_nothing_of_the_working_directory_is_used_or_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyocd_user.py").write_text("raise SystemExit('ran')\n")
    (tmp_path / "pyocd.yaml").write_text("target_override: stm32f103rc\n")
    monkeypatch.chdir(tmp_path)
    with connect() as link:
        assert Path.cwd() == tmp_path
        link.read(chip.BOOT_ROM, 64)
        assert type(link.target).__name__ == "STM32N657"
    assert Path.cwd() == tmp_path
    assert capfd.readouterr() == ("", "")


def test_a_dk_gets_the_target_with_its_larger_flash() -> None:
    with open_link("sim:stm32n6570-dk,state=none", board=load_board("stm32n6570-dk")) as link:
        region = link.target.memory_map.get_region_for_address(0x7000_0000)
        assert region.length == 128 << 20


def test_after_a_reset_the_boot_rom_has_the_core_again(link: Link) -> None:
    link.call(load(link, *ADD_FOUR), stack=STACK, timeout=1.0)
    for kind in ("system", "pin"):
        link.reset(kind)
        link.halt()
        assert is_in_boot_rom(link)
    link.reset(halt=True)
    assert is_in_boot_rom(link)
    assert link.target.read_core_register("msplim_s") == 0


def test_a_port_that_the_boot_rom_opens_late_is_waited_for(link: Link) -> None:
    before = link.now()
    link.reset()
    assert 0.015 < link.now() - before < 0.5  # the simulated ROM takes 20 ms


def test_the_boot_rom_runs_on_after_the_link_and_halted_stays_halted(tmp_path: Path) -> None:
    spec = f"sim:nucleo-n657x0-q,state={tmp_path / 'board'}"
    with connect(spec) as link:
        link.call(load(link, *ADD_FOUR), stack=STACK, timeout=1.0)
    with connect(spec, connect="halt") as link:
        assert is_in_boot_rom(link)
    with connect(spec, connect="attach") as link:
        assert link.target.is_running()
        link.halt()
        assert is_in_boot_rom(link)
    for mode in ("attach", "halt", "attach"):
        with connect(spec, connect=mode) as link:
            assert link.target.is_halted()


@pytest.mark.parametrize("mode", ["auto", "halt", "attach", "under-reset", "UR", "HOTPLUG"])
def test_every_connect_mode_connects(mode: str) -> None:
    with connect(connect=mode) as link:
        assert link.read32(chip.REVISION_WORDS[0]) == 0x200
        assert link.target.is_running() == (mode in ("attach", "HOTPLUG"))


def test_a_reset_into_flash_boot_is_a_closed_port(link: Link) -> None:
    link.session.probe.board.boot1 = 0  # the jumper is moved; the boot ROM samples the pins at reset
    with pytest.raises(TargetUnreachable) as caught:
        link.reset()
    assert caught.value.code == "E-AP1-CLOSED"


def test_what_the_tripwire_catches_is_told_once_by_the_next_call_or_by_close() -> None:
    link = connect()
    tripwire = link.session.probe.board.tripwire
    tripwire.violation("an OTP fuse")
    with pytest.raises(FlashFailure, match="an OTP fuse") as caught:
        link.read32(chip.LOADER_BASE)
    assert caught.value.code == "E-SIM-TRIPWIRE"
    link.check_tripwire()
    tripwire.violation("a rail at 1.8 V")
    with pytest.raises(FlashFailure, match=r"one: a rail at 1\.8 V") as caught:
        link.close()
    assert (caught.value.code, caught.value.exit_code) == ("E-SIM-TRIPWIRE", 6)
    link.close()


@pytest.mark.parametrize("kind", ["stlink", "cmsis-dap"])
def test_an_unplugged_probe_is_let_go_with_the_link(kind: str, tmp_path: Path) -> None:
    probe = f"sim:nucleo-n657x0-q,state={tmp_path / 'board'},link={kind}"
    link = connect(f"{probe},fault=unplug@1s", swd_clock=8_000_000)
    link.sleep(1.0)
    with contextlib.suppress(TargetUnreachable):
        link.read32(CODE)  # a packet that was under way before the probe went still gets there
    with pytest.raises(TargetUnreachable):
        link.read32(CODE)
    link.close()
    connect(probe, swd_clock=8_000_000).close()  # not busy: nobody has the board any more


@pytest.mark.parametrize("fault", ["unplug@1s", "hang@1s", "power-cut@1s"])
@pytest.mark.parametrize("kind", ["stlink", "cmsis-dap"])
def test_a_link_that_is_lost_when_it_is_let_go_is_no_failure(kind: str, fault: str, tmp_path: Path) -> None:
    probe = f"sim:nucleo-n657x0-q,state={tmp_path / 'board'},link={kind}"
    link = connect(f"{probe},fault={fault}", swd_clock=8_000_000)
    link.sleep(1.0)
    link.close()  # raises nothing


@pytest.mark.parametrize("kind", ["stlink", "cmsis-dap"])
@pytest.mark.parametrize("number", range(1, 25))
def test_a_bit_that_flips_while_connecting_is_a_finding_or_nothing(kind: str, number: int) -> None:
    with contextlib.suppress(TargetUnreachable):
        connect(f"{SIM},link={kind},fault=flip@#{number}", swd_clock=8_000_000).close()
