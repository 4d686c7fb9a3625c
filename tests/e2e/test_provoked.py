"""A failure in the middle of a command line of its own, said by its code; the next plain flash succeeds, power on."""

from __future__ import annotations

from pathlib import Path

import pytest

from n6prog.flash_algos.mailbox import LOADER_BASE, SERVICE_STATE
from tests.helpers.cli import Bench

pytestmark = pytest.mark.e2e
CODE = LOADER_BASE + 4
RCC_AHB5ENCR = 0x5602_9260  # bits 12 and 13 take the clocks of XSPI2 and XSPIM away (CMSIS header)
DONE, NO_PROBE, UNREACHABLE, FLASH, MISMATCH = 0, 3, 5, 6, 7

MENDED = [
    # what the probe and the computer do
    ("no-access", NO_PROBE, "E-PROBE-ACCESS"),
    ("firmware:V3J16M6+hang@100ms", UNREACHABLE, "E-PROBE-HUNG"),
    ("firmware:V3J16M6", DONE, "W-PROBE-HANGS"),
    ("max-clock:2M", DONE, "W-SWD-CLOCK"),
    ("lost:1e-2", UNREACHABLE, "E-CONNECT"),
    ("flip:1e-3", UNREACHABLE, "E-SWD-CLOCK"),
    ("wait:5000ms", UNREACHABLE, "E-CONNECT"),
    # what befalls the chip
    ("chip-reset@150ms", FLASH, "E-CHIP-RESET"),
    ("chip-reset@220ms", FLASH, "E-CHIP-RESET"),
    (f"poke@150ms:{CODE:#x}=00de*4096", FLASH, "E-LOADER-FAULT"),  # udf #0
    (f"poke@220ms:{CODE:#x}=fee7*4096", FLASH, "E-LOADER-TIMEOUT"),  # b .
    (f"poke@220ms:{RCC_AHB5ENCR:#x}=00300000", FLASH, "E-LOADER-STUCK"),
    (f"poke@220ms:{SERVICE_STATE:#x}=00*12", FLASH, "E-LOADER-ANSWER"),
    ("wrong-chip:484", UNREACHABLE, "E-WRONG-CHIP"),
    ("ap1-closed", UNREACHABLE, "E-AP1-CLOSED"),
    # what the NOR does, and how it was left
    ("mute", FLASH, "E-FLASH-ID"),
    ("wrong-id:c22539+no-sfdp", FLASH, "E-NOR-UNKNOWN"),
    ("wrong-id:c22539", DONE, "W-NOR-SFDP"),
    ("no-wel", FLASH, "E-WEL"),
    ("stuck-wip", FLASH, "E-FLASH-BUSY"),
    ("fail-program:0x1000000", FLASH, "E-PROGRAM-FAIL"),
    ("fail-erase:0x1000000", FLASH, "E-ERASE-FAIL"),
    ("drop-page:3", MISMATCH, "E-VERIFY"),
    ("poke@235ms:0x71005000=00*16", MISMATCH, "E-NEIGHBOUR"),
    ("left-8d+no-vddio3", FLASH, "E-FLASH-ID"),
]


@pytest.mark.parametrize(("fault", "exit_code", "code"), MENDED)
def test_the_next_plain_flash_succeeds_without_a_power_cycle(
    tmp_path: Path, fault: str, exit_code: int, code: str
) -> None:
    bench = Bench(tmp_path / "board")
    bench.fill(0x7100_0000, bytes(0x2000))  # so that there is something to erase
    wanted = bytes(range(1, 256)) * 33
    (tmp_path / "weights.raw").write_bytes(wanted)
    file = f"{tmp_path / 'weights.raw'}@0x71000000"
    done = bench.run("flash", file, "--json", probe_options=f",fault={fault}")
    assert done.code == exit_code, done.text
    found = {item["code"]: item for item in done.end["findings"]}  # type: ignore[attr-defined]
    assert code in found
    assert f"{code}: {found[code]['text'].splitlines()[0][:20]}" in done.err
    assert found[code]["cure"]
    assert done.end["code"] == (None if exit_code == DONE else code)
    again = bench.run("flash", file)
    assert again.code == DONE, again.text
    assert "error" not in again.err
    assert bytes(bench.nor()[0x100_0000 : 0x100_0000 + len(wanted)]) == wanted
