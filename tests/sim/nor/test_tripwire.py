"""What a programmer must never send: refused, written down, not done (hw-flash 2.3)."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("opcode", "address", "data", "words"),
    [
        (0x68, 0, b"", "NOR command 68h (WPSEL): cannot be undone on a real part"),
        (0x2F, 0, b"", "NOR command 2Fh (WRSCUR): cannot be undone on a real part"),
        (0x2C, 0, b"\xfb", "NOR command 2Ch (WRLR): cannot be undone on a real part"),
        (0x28, 0, bytes(8), "NOR command 28h (WRPASS): cannot be undone on a real part"),
        (0xE3, 0, b"", "NOR command E3h (WRSPB): stays in a real part's non-volatile memory"),
        (0x17, 0, bytes(4), "NOR command 17h (WRFBR): stays in a real part's non-volatile memory"),
        (0x72, 0x4000_0000, b"\xfd", "NOR command 72h (WRCR2) to 0x40000000: cannot be undone on a real part"),
    ],
)
def test_what_stays_is_refused_with_words_in_every_mode(bench, mode, opcode, address, data, words):
    bench.octal(mode)
    bench.enable()
    bench.send(opcode, address, data)
    assert bench.tripwire.violations == [words]
    assert bench.sr == 2
    assert bench.nor.registers.cr2_default == 0xFF


def test_top_bottom_is_refused_in_every_mode(bench, mode):
    bench.octal(mode)
    bench.enable()
    if mode == "1S":
        bench.send(0x01, 0, b"\x00\x08")
    else:
        bench.send(0x01, 1, b"\x08")
    assert bench.tripwire.violations == ["NOR command 01h (WRSR) with CR.TB: cannot be undone on a real part"]
    assert bench.sr == 2


def test_other_bits_beside_top_bottom_are_no_violation(bench, mode):
    bench.octal(mode)
    bench.enable()
    if mode == "1S":
        bench.send(0x01, 0, b"\x08\x17")  # BP1, no TB
    else:
        bench.send(0x01, 0, b"\x08")  # SR: BP1
        bench.wait()
        bench.enable()
        bench.send(0x01, 1, b"\x17")
    bench.wait()
    assert bench.tripwire.violations == []
    assert bench.sr == 0x08
    assert bench.get(0x15, 1) == b"\x17"


def test_top_bottom_may_be_written_where_it_is_set_already(bench):
    bench.nor.registers.cr = 0x0F
    bench.write_sr(0x04, 0x0B)
    assert bench.tripwire.violations == []
    assert bench.get(0x15) == b"\x0b"
    bench.write_sr(0x04, 0x05)
    assert bench.get(0x15) == b"\x0d"  # it never goes
