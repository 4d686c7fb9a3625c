"""A chip in a bad state is brought back by the next plain command; where only a power cycle helps, that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from n6prog.link import Link, open_link
from n6prog.targets.schema import load_board
from tests.helpers.cli import NOR_BASE, Bench, n6prog, same
from tests.helpers.files import DEMO_ELF, elf_pieces

pytestmark = pytest.mark.e2e

CODE, STACK, VTOR, SYSCFG_BOOTSR = 0x3400_0000, 0x3402_0000, 0xE000_ED08, 0x5600_8100
UNDEFINED = (0xDE00, 0xE7FE)  # udf #0; b .
READ_FOREVER = (0x6801, 0xE7FD)  # ldr r1, [r0]; b .-2


def linked(bench: Bench) -> Link:
    return open_link(bench.probe, board=load_board("nucleo-n657x0-q"))


def leave_running(bench: Bench, *code: int, r0: int = 0, vector_table: int | None = None) -> None:
    """Firmware in RAM that runs when the next program comes."""
    with linked(bench) as link:
        link.halt()
        link.write(CODE, b"".join(word.to_bytes(2, "little") for word in code))
        if vector_table is not None:
            link.write32(VTOR, vector_table)
        core = link.target.cores[0]
        core.write_core_registers_raw([0, "sp", "pc", "msplim_s"], [r0, STACK, CODE, 0])
        link.resume()
        link.sleep(0.01)


def assert_flashes(bench: Bench, warning: str = "") -> None:
    """A plain flash works, and says `warning` if there is one to say."""
    done = bench.run("flash", DEMO_ELF)
    assert done.code == 0, done.text
    assert (f"warning {warning}" in done.err) if warning else ("W-RESET-TO-CONNECT" not in done.err)
    content = bench.nor()
    for address, piece in elf_pieces(DEMO_ELF).items():
        offset = address - NOR_BASE
        same(content[offset : offset + len(piece)], piece)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "board")


def test_a_core_that_locked_up(bench: Bench) -> None:
    leave_running(bench, *UNDEFINED, vector_table=0x3E00_0000)  # no vector can be fetched: lock-up
    with open_link(bench.probe, board=load_board("nucleo-n657x0-q"), connect="attach") as link:
        assert link.read32(0xE000_EDF0) & 1 << 19  # DHCSR.S_LOCKUP
    assert_flashes(bench)


def test_firmware_that_reads_the_flash_while_we_come(bench: Bench) -> None:
    assert bench.run("flash", DEMO_ELF, "--after", "none").code == 0  # leaves XSPI2 mapped
    bench.poke(0x7010_0800, b"changed")
    leave_running(bench, *READ_FOREVER, r0=0x7000_0000)
    assert_flashes(bench)


def test_firmware_that_hangs_at_a_block_without_clock_needs_a_reset_and_that_is_said(bench: Bench) -> None:
    leave_running(bench, *READ_FOREVER, r0=SYSCFG_BOOTSR)
    asked = bench.run("flash", DEMO_ELF, "--connect", "halt")
    assert asked.code == 5  # a reset is nothing that --connect halt allows
    assert "error E-NO-HALT" in asked.err
    done = bench.run("flash", DEMO_ELF, "--json")
    assert done.code == 0, done.text
    assert any(item["code"] == "W-RESET-TO-CONNECT" for item in done.end["findings"])  # type: ignore[attr-defined]
    texts = [event["data"].get("text", "") for event in done.events if event["type"] == "progress"]  # type: ignore[attr-defined]
    assert any("Trying --connect under-reset at 1 MHz" in text for text in texts)
    assert_flashes(bench)


def test_a_jumper_that_was_moved_without_a_power_cycle(bench: Bench) -> None:
    from n6prog.sim import SimBoard

    with SimBoard(state=bench.folder, boot1=0) as board:
        board.boot1 = 1  # the pins are sampled at the next reset
    asked = bench.run("verify", DEMO_ELF, "--connect", "attach")
    assert asked.code == 5
    assert "E-AP1-CLOSED" in asked.err
    assert_flashes(bench, "W-RESET-TO-CONNECT")


def test_a_closed_port_that_no_reset_opens_says_what_was_tried(bench: Bench) -> None:
    done = bench.run("flash", DEMO_ELF, "--json", probe_options=",boot1=0")
    assert done.code == 5
    found = next(item for item in done.end["findings"] if item["code"] == "E-AP1-CLOSED")  # type: ignore[attr-defined]
    assert found["evidence"]["tried"] == (
        "--connect halt at 1 MHz: E-AP1-CLOSED; --connect under-reset at 1 MHz: E-AP1-CLOSED"
    )


def test_a_bus_that_hangs_is_told_with_the_one_thing_that_helps(bench: Bench) -> None:
    link = linked(bench)
    with pytest.raises(Exception, match="AP wait"):
        link.target._guard._read_memory(SYSCFG_BOOTSR, 32)  # what a debugger without the guard does
    link.close()
    done = bench.run("flash", DEMO_ELF)
    assert done.code == 5
    assert "error E-AP1-DEAD" in done.err
    assert "Only power helps" in done.err
    assert n6prog("sim", "power", bench.folder, "cycle").code == 0
    assert_flashes(bench)


def test_wires_that_carry_200_khz_only(bench: Bench) -> None:
    done = bench.run("verify", DEMO_ELF, "--json", probe_options=",fault=max-clock:500k")
    assert done.code == 7  # nothing is flashed
    assert done.end["swd_clock_hz"] == 200_000
    assert any(item["code"] == "W-SWD-CLOCK" for item in done.end["findings"])  # type: ignore[attr-defined]


def test_sticky_errors_of_the_last_user_do_not_count(bench: Bench) -> None:
    from n6prog.sim import SimBoard

    with SimBoard(state=bench.folder) as board:
        dp = board.dp
        dp.sticky |= 1 << 5  # STICKYERR (ADIv5 B2.2.2): all accesses fault until ABORT clears it
    assert_flashes(bench)


def test_a_board_without_power_is_not_reset_in_vain(bench: Bench) -> None:
    assert bench.run("info").code == 0
    assert n6prog("sim", "power", bench.folder, "off").code == 0
    done = bench.run("info")
    assert done.code == 5
    assert "E-NOANSWER" in done.err
    assert "Trying" not in done.out


def test_the_jumpers_of_a_board_of_ones_own(bench: Bench, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "targets" / "boards" / "nucleo-n657x0-q.toml").read_text()
    text = text.replace('name = "nucleo-n657x0-q"', 'name = "ourboard"', 1).replace(
        'title = "NUCLEO-N657X0-Q"', 'title = "Our Board"', 1
    )
    text = text.replace('boot_help = "NUCLEO: JP2 (BOOT1) on 2-3"', 'boot_help = "solder bridge SB7 closed"', 1)
    (tmp_path / "ours.toml").write_text(text)
    done = bench.run("info", "--board", tmp_path / "ours.toml", probe_options=",boot1=0")
    assert done.code == 5
    assert "Our Board: solder bridge SB7 closed. Then unplug and replug the power." in done.err
    assert "JP2" not in done.err
    good = bench.run("flash", DEMO_ELF, "--board", tmp_path / "ours.toml", probe_options=",boot1=1")
    assert good.code == 0, good.text
    assert "Our Board" in good.out


def test_a_part_in_no_table_is_used_by_its_sfdp_after_saying_so(bench: Bench) -> None:
    done = bench.run("flash", DEMO_ELF, probe_options=",fault=wrong-id:20bb1a")
    assert done.code == 0, done.text
    assert "W-NOR-SFDP" in done.err
    assert "RDID 20 BB 1A" in done.err
    assert "64 MiB" in done.err
    content = bench.nor()
    for address, piece in elf_pieces(DEMO_ELF).items():
        same(content[address - NOR_BASE : address - NOR_BASE + len(piece)], piece)
