"""OpenOCD believes in the board: Debian's through the ST-LINK door, a newer one through CMSIS-DAP over TCP."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from tests.fidelity.openocd.conftest import CONFIG, RUNS, OpenOcd, program
from tests.helpers.served import Served

# adds r0, #1 stands between two nops and a loop: 0x34180000
PROGRAM = "mww 0x34180000 0x3001bf00; mww 0x34180004 0xe7febf00"


def test_it_finds_the_chip(openocd: OpenOcd) -> None:
    # DPIDR: hw-soc 1.1; CPUID 0x411FD221: hw-soc 1.3; comparators: sim/README.md
    _, output = openocd("")
    assert "SWD DPIDR 0x6ba02477" in output
    assert "Cortex-M55 r1p1 processor detected" in output
    assert "8 breakpoints, 4 watchpoints" in output


def test_it_halts_steps_and_sets_registers(openocd: OpenOcd) -> None:
    told, _ = openocd(
        f"""{PROGRAM}
        reg pc 0x34180000; reg r0 41
        step; tell first [dict get [get_reg {{pc}}] pc]
        step; tell r0 [dict get [get_reg {{r0}}] r0]
        resume; tell state [n6.core curstate]
        halt; wait_halt 5000; tell after [dict get [get_reg {{pc}}] pc]"""
    )
    # nop at 0, adds at 2, nop at 4, loop at 6
    assert int(told["first"], 16) == 0x3418_0002
    assert int(told["r0"], 16) == 42
    assert told["state"] == "running"
    assert int(told["after"], 16) == 0x3418_0006


def test_memory_has_three_widths(openocd: OpenOcd) -> None:
    told, _ = openocd(
        """mww 0x34190000 0x11223344; mwb 0x34190001 0xaa; mwh 0x34190002 0xbbcc
        tell word [read_memory 0x34190000 32 1]
        tell halves [read_memory 0x34190000 16 2]
        tell bytes [read_memory 0x34190000 8 4]"""
    )
    assert told["word"] == "0xbbccaa44"
    assert told["halves"] == "0xaa44 0xbbcc"
    assert told["bytes"] == "0x44 0xaa 0xcc 0xbb"


def test_a_bus_fault_is_told_and_survived(openocd: OpenOcd) -> None:
    # nothing lies at 0x10100000 (hw-soc 3): between ITCM and the boot ROM
    told, _ = openocd(
        """tell reading [catch {read_memory 0x10100000 32 4}]
        tell writing [catch {write_memory 0x10100000 32 {1 2}}]
        mww 0x34190000 0x5a5a5a5a; tell after [read_memory 0x34190000 32 1]"""
    )
    assert told["after"] == "0x5a5a5a5a"
    assert "0" not in (told["reading"], told["writing"])


def test_reset_halt_stops_in_the_boot_rom(openocd: OpenOcd) -> None:
    told, _ = openocd(
        f"""{PROGRAM}
        reg pc 0x34180000; reset halt
        tell state [n6.core curstate]; tell pc [dict get [get_reg {{pc}}] pc]"""
    )
    # development boot loops in the boot ROM, 128 KiB at 0x18000000 (hw-soc 1.7, 3)
    assert told["state"] == "halted"
    assert 0x1800_0000 <= int(told["pc"], 16) < 0x1802_0000


def test_its_checksum_program_runs_on_the_core(openocd: OpenOcd, tmp_path: Path) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(random.Random(5).randbytes(16384))
    told, _ = openocd(
        f"""load_image {image} 0x34100000 bin
        tell equal [catch {{verify_image_checksum {image} 0x34100000 bin}}]
        mwb 0x34101234 [expr {{[read_memory 0x34101234 8 1] ^ 1}}]
        tell changed [catch {{verify_image_checksum {image} 0x34100000 bin}}]"""
    )
    assert told["equal"] == "0"
    assert told["changed"] != "0"


def test_its_own_flash_driver_writes_the_nor(openocd: OpenOcd, served: Served, tmp_path: Path) -> None:
    size = 65536
    source = random.Random(openocd.door.name)
    images = [source.randbytes(4096), source.randbytes(size)]
    for number, image in enumerate(images):  # the second only comes out right if the erase in between did
        path = tmp_path / f"{number}.bin"
        path.write_bytes(image)
        told, output = openocd(
            f"""nor_open
            tell erase [catch {{flash erase_address 0x70020000 {size}}}]
            tell write [catch {{flash write_bank nor {path} 0x20000}}]
            tell verify [catch {{flash verify_bank nor {path} 0x20000}}]
            """,
            "nor.cfg",
        )
        assert told == {"erase": "0", "write": "0", "verify": "0"}, output
        content = (served.folder / "nor.bin").read_bytes()
        assert content[0x20000 : 0x20000 + size] == image.ljust(size, b"\xff")
        assert content[0x10000:0x20000] == content[0x30000:0x40000] == b"\xff" * size


@pytest.mark.needs("openocd-esp32")
def test_the_upstream_configuration_of_the_chip_works_as_it_is(openocd: OpenOcd) -> None:
    if openocd.door.program != "openocd-esp32":
        return  # Debian's is older than the file
    told, output = openocd("tell cr [stm32n6x.ap0 read_memory 0x44001004 32 1]", upstream="target/stm32n6x.cfg")
    assert "stm32n6x.cpu in Secure state" in output
    assert int(told["cr"], 16) & 0x30_0007 == 0x30_0007  # what its examine-end handler sets in DBGMCU_CR


SOURCE = """
    .syntax unified
    .thumb
    .section .text
    .global _start
    .thumb_func
_start: ldr r0, =total
    movs r1, #0
again: adds r1, #1
    str r1, [r0]
    cmp r1, #5
    bne again
done: b done
    .pool
    .section .data
total: .word 0xffffffff
"""


@pytest.mark.needs("gdb-multiarch", "arm-none-eabi-gcc")
def test_gdb_loads_breaks_steps_and_continues(openocd: OpenOcd, tmp_path: Path) -> None:
    (tmp_path / "count.s").write_text(SOURCE)
    elf = tmp_path / "count.elf"
    build = [program("arm-none-eabi-gcc"), "-mcpu=cortex-m33", "-nostdlib", "-Wl,-Ttext=0x34080000,-Tdata=0x34081000"]
    subprocess.run([*build, "-o", str(elf), str(tmp_path / "count.s")], check=True, timeout=RUNS)
    log = tmp_path / "openocd.log"
    script = f"log_output {log}\nn6.sysbus configure -gdb-port disabled\ngdb_port pipe\ninit\nn6.core arp_halt\n"
    server = " ".join(f"'{word}'" for word in openocd.words([str(CONFIG / "board.cfg")], script))
    commands = [
        "set confirm off",
        "set remotetimeout 60",
        f"target extended-remote | {server}",
        "load",
        "compare-sections",
        "set $pc = &_start",
        "hbreak again",
        "continue",
        "continue",
        'printf "PC1 %x R1 %d TOTAL %d\\n", $pc, $r1, *(int *)&total',
        "stepi",
        'printf "PC2 %x R1 %d\\n", $pc, $r1',
        "delete",
        "break done",
        "continue",
        'printf "PC3 %x R1 %d TOTAL %d\\n", $pc, $r1, *(int *)&total',
        "kill",
    ]
    words = [program("gdb-multiarch"), "-nx", "-batch", str(elf)]
    for command in commands:
        words += ["-ex", command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=RUNS, check=False, stdin=subprocess.DEVNULL)
    output = done.stdout + done.stderr
    assert "Section .text, range 0x34080000 -- 0x34080014: matched" in output, output
    assert "MIS-MATCHED" not in output
    # ldr and movs are 2 bytes each: again lies at 4, adds 4, str 6, cmp 8, bne 10, done 12
    assert "PC1 34080004 R1 1 TOTAL 1" in output, output
    assert "PC2 34080006 R1 2" in output
    assert "PC3 3408000c R1 5 TOTAL 5" in output
