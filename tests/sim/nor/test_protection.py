"""BP, and with WPSEL the sector and block locks (hw-flash 2.3, 3, 7)."""

from __future__ import annotations

import pytest

from tests.sim.nor.bench import MS, SECOND, US, Bench

BLOCK, SECTOR = 0x10000, 0x1000


def starts(bench: Bench, opcode: int, address: int) -> int:
    """How long the operation at `address` takes, in picoseconds; it is then undone."""
    bench.enable()
    bench.send(opcode, address, b"\0" if opcode == 0x12 else b"")
    operation = bench.nor.operation
    assert operation is not None
    time = operation.end - operation.start
    bench.wait()
    bench.content[:] = b"\xff" * len(bench.content)
    return time


@pytest.mark.parametrize(("tb", "bp"), [(tb, bp) for tb in (0, 1) for bp in range(16)])
def test_bp_protects_half_of_two_to_the_n_blocks_from_one_end(make_bench, tb, bp):
    bench = make_bench(size=8 * BLOCK)
    bench.nor.registers.bp = bp
    bench.nor.registers.cr |= tb << 3
    blocks = {0: 0, 1: 1, 2: 2, 3: 4}.get(bp, 8)
    if tb:
        inside, outside = blocks * BLOCK - 1, blocks * BLOCK
    else:
        inside, outside = (8 - blocks) * BLOCK, (8 - blocks) * BLOCK - 1
    if blocks:
        assert starts(bench, 0x12, inside) == 2 * US
        assert starts(bench, 0x21, inside) == 100 * US
        assert starts(bench, 0xDC, inside) == 100 * US
    if 0 < blocks < 8 or not blocks:
        outside %= 8 * BLOCK
        assert starts(bench, 0x12, outside) == 152 * US
        assert starts(bench, 0x21, outside) == 25 * MS
        assert starts(bench, 0xDC, outside) == 256 * MS
    assert starts(bench, 0x60, 0) == (100 * US if bp else 192 * SECOND)


@pytest.mark.parametrize(("size", "bp", "blocks"), [(64, 10, 512), (64, 11, 1024), (128, 11, 1024), (128, 12, 2048)])
def test_bp_on_the_real_sizes(size, bp, blocks):
    from dataclasses import replace

    from n6prog.sim.nor.parts import MX25UM51245G
    from n6prog.sim.nor.protection import Protection
    from n6prog.sim.nor.registers import Registers

    total = size << 20
    protection = Protection(replace(MX25UM51245G, size=total), Registers(bp=bp))
    first = total - blocks * BLOCK
    assert protection.refuses(first, 1)
    if first:
        assert not protection.refuses(first - 1, 1)


def test_a_refused_program_ends_in_p_fail_without_wel_or_change(bench, mode):
    bench.octal(mode)
    bench.nor.registers.bp = 1
    bench.enable()
    bench.send(0x12, 0x30000, b"\0\0")
    end = bench.nor.busy_until
    assert end - bench.ended == 2 * US
    bench.nor.settle(end - 1)
    assert bench.nor.registers.scur == 0
    assert bench.nor.status & 3 == 3
    bench.nor.settle(end)
    bench.now = end
    assert bench.scur == 0x20
    assert bench.sr & 3 == 0
    assert bench.content[0x30000] == 0xFF


@pytest.mark.parametrize("opcode", [0x21, 0xDC, 0x60])
def test_a_refused_erase_ends_in_e_fail_without_wel_or_change(bench, mode, opcode):
    bench.octal(mode)
    bench.content[:] = bytes(len(bench.content))
    bench.nor.registers.bp = 1
    bench.enable()
    bench.send(opcode, 0x30000 if opcode != 0x60 else 0)
    assert bench.nor.busy_until - bench.ended == 100 * US
    bench.wait()
    assert bench.scur == 0x40
    assert bench.sr & 3 == 0
    assert bench.content == bytes(len(bench.content))


# ---- WPSEL ---------------------------------------------------------------------------------------------------------

# a part of four blocks: sixteen sectors, two blocks, sixteen sectors
UNITS = [*range(0, BLOCK, SECTOR), BLOCK, 2 * BLOCK, *range(3 * BLOCK, 4 * BLOCK, SECTOR)]


def test_a_lock_bit_for_each_sector_at_the_ends_and_each_block_between(bench):
    assert bench.nor.protection.every == bench.nor.protection.dpb == 2**34 - 1
    assert bench.nor.protection.spb == 0
    assert bench.nor.protection.lock == 0xFF
    bench.nor.protection.dpb = 0
    bench.enable()
    bench.send(0x7E)  # without WPSEL it is not heard
    assert bench.nor.protection.dpb == 0
    bench.individual()
    bench.send(0x7E)
    assert bench.nor.protection.dpb == 2**34 - 1


def test_dpb_lock_everything_after_power_up_until_opened(bench, mode):
    bench.individual()
    bench.octal(mode)
    for address in (0, 0xFFFF, BLOCK, 0x2FFFF, 0x3FFFF):
        assert bench.get(0xE0, address) == b"\xff"
        assert bench.get(0xE2, address) == b"\0"
    bench.enable()
    bench.send(0x98)
    assert bench.sr == 0  # at once, and WEL is gone
    assert bench.get(0xE0, 0x3F000) == b"\0"
    bench.enable()
    bench.send(0x7E)
    assert bench.sr == 0
    assert bench.get(0xE0, 0x3F000) == b"\xff"
    bench.nor.protection.dpb = 0
    bench.reset()
    bench.now += 40 * US
    assert bench.get(0xE0, 0x3F000) == b"\xff"


@pytest.mark.parametrize("index", range(len(UNITS)))
def test_each_sector_of_the_end_blocks_and_each_other_block_has_its_own_lock(bench, index):
    bench.individual()
    bench.nor.protection.dpb = 0
    start = UNITS[index]
    size = BLOCK if 16 <= index < 18 else SECTOR
    bench.enable()
    bench.send(0xE1, start + size - 1, b"\x01")
    assert bench.sr == 0
    assert bench.nor.protection.dpb == 1 << index
    for address in UNITS:
        assert bench.get(0xE0, address) == (b"\xff" if address == start else b"\0")
    for address, time in ((start, 2 * US), (start + size - 1, 2 * US), (start + size, 152 * US)):
        if address < len(bench.content):
            assert starts(bench, 0x12, address) == time
    if start:
        assert starts(bench, 0x12, start - 1) == 152 * US
    assert starts(bench, 0x21, start) == 100 * US
    assert starts(bench, 0xDC, start) == 100 * US  # any sector locked: the whole block erase fails
    other = (start + BLOCK) % len(bench.content)
    assert starts(bench, 0xDC, other) == 256 * MS
    bench.enable()
    bench.send(0xE1, start, b"\xfe")  # only bit 0 counts
    assert bench.nor.protection.dpb == 0


def test_8d_takes_the_first_byte_of_a_lock_write(bench):
    bench.individual()
    bench.octal("8D")
    bench.nor.protection.dpb = 0
    bench.enable()
    bench.frame(0xE1, (0x1000).to_bytes(4, "big"), b"\x01\x00", mode="8D")
    assert bench.nor.protection.dpb == 2


def test_spb_lock_as_well_and_bp_does_not_count(bench):
    bench.individual()
    bench.nor.protection.dpb = 0
    bench.nor.registers.bp = 15
    assert starts(bench, 0x12, 0) == 152 * US
    bench.nor.protection.spb = 1 << 16
    assert bench.get(0xE2, 0x1FFFF) == b"\xff"
    assert bench.get(0xE2, 0x20000) == b"\0"
    assert bench.get(0xE0, 0x1FFFF) == b"\0"
    assert starts(bench, 0x12, 0x10000) == 2 * US


def test_a_chip_erase_leaves_out_what_is_locked(bench):
    bench.individual()
    bench.nor.protection.dpb = 1 << 3 | 1 << 17  # a sector of the first block, and the third block
    bench.nor.registers.bp = 1
    bench.content[:] = bytes(len(bench.content))
    bench.enable()
    bench.send(0x60)
    assert bench.nor.busy_until - bench.ended == 192 * SECOND
    bench.wait()
    assert bench.content[:BLOCK] == bytes(BLOCK)
    assert bench.content[BLOCK : 2 * BLOCK] == b"\xff" * BLOCK
    assert bench.content[2 * BLOCK : 3 * BLOCK] == bytes(BLOCK)
    assert bench.content[3 * BLOCK :] == b"\xff" * BLOCK
    assert bench.scur == 0x80


def test_a_chip_erase_fails_only_when_nothing_is_left(bench):
    bench.individual()
    bench.nor.protection.dpb = 1 | 3 << 16 | 1 << 33
    bench.erase(0x60)
    assert bench.scur == 0xC0


def test_erasing_the_spb_takes_a_sector_erase(bench, mode):
    bench.individual()
    bench.octal(mode)
    bench.nor.protection.spb = 0b101
    bench.enable()
    bench.send(0xE4)
    assert bench.nor.busy_until - bench.ended == 25 * MS
    bench.nor.settle(bench.nor.busy_until - 1)
    assert bench.nor.protection.spb == 0b101
    bench.wait()
    assert bench.nor.protection.spb == 0
    assert bench.sr == 0
    assert bench.scur == 0x80


def test_locked_down_spb_fail_at_once(bench):
    bench.individual()
    bench.nor.protection.spb = 1
    bench.nor.protection.lock = 0xBF
    assert bench.get(0x2D) == b"\xbf"
    bench.enable()
    bench.send(0xE4)
    assert bench.sr == 0
    assert bench.scur == 0xC0
    assert bench.nor.protection.spb == 1
    bench.nor.protection.lock = 0xFF
    bench.erase(0xE4)
    assert bench.scur == 0x80


# ---- password ------------------------------------------------------------------------------------------------------

PASSWORD = bytes.fromhex("0102030405060708")


def test_the_password_is_read_with_ff_behind_it(bench, mode):
    bench.individual()
    bench.nor.protection.password = PASSWORD
    bench.octal(mode)
    answer = bench.get(0x27, 0, 522)
    assert answer == PASSWORD + b"\xff" * 504 + PASSWORD + b"\xff" * 2
    assert bench.get(0x27, 2, 8) is None  # from address 0 only


def test_in_password_mode_it_is_not_read(bench):
    bench.individual()
    bench.nor.protection.lock = 0xFB
    assert bench.get(0x27, 0, 8) is None


@pytest.mark.parametrize(
    ("given", "time", "lock", "scur"),
    [(PASSWORD, 2 * US, 0xFB, 0x80), (PASSWORD[:7] + b"\x09", 150 * US, 0xBB, 0xA0)],
)
def test_the_password_opens_the_lock_down(bench, mode, given, time, lock, scur):
    bench.individual()
    protection = bench.nor.protection
    protection.password, protection.lock = PASSWORD, 0xBB
    bench.octal(mode)
    bench.enable()
    data = given if mode != "8D" else bytes(given[index ^ 1] for index in range(8))
    bench.send(0x29, 0, data)
    assert bench.nor.busy_until - bench.ended == time
    assert protection.lock == 0xBB
    bench.wait()
    assert protection.lock == lock
    assert bench.scur == scur
    assert bench.sr == 0


def test_without_password_mode_or_at_another_address_it_is_ignored(bench):
    bench.individual()
    bench.enable()
    bench.send(0x29, 0, b"\xff" * 8)
    assert bench.sr == 2
    bench.nor.protection.lock = 0xBB
    bench.send(0x29, 1, b"\xff" * 8)
    assert bench.sr == 2
    bench.send(0x29, 0, b"\xff" * 8)
    bench.wait()
    assert bench.nor.protection.lock == 0xFB


def test_a_reset_locks_the_spb_down_again_in_password_mode_only(bench):
    protection = bench.nor.protection
    protection.lock = 0xFB
    bench.reset()
    assert protection.lock == 0xBB
    protection.lock = 0xFF
    bench.now += 40 * US
    bench.reset()
    assert protection.lock == 0xFF


def test_every_sector_is_open_after_gbulk(bench):
    bench.individual()
    bench.enable()
    bench.send(0x98)
    for address in (*range(0, BLOCK, SECTOR), BLOCK, 2 * BLOCK, *range(3 * BLOCK, 4 * BLOCK, SECTOR)):
        assert bench.get(0xE0, address) == b"\0"


def test_other_bits_of_scur_do_not_lock_one_by_one(bench):
    bench.nor.registers.scur = 0x7F
    assert bench.get(0xE0, 0) is None
    assert starts(bench, 0x12, 0) == 152 * US


def test_a_program_past_the_end_is_judged_where_it_lands(bench):
    bench.nor.registers.bp = 1  # the top block
    assert starts(bench, 0x12, 0x40000 + 0x100) == 152 * US
    assert starts(bench, 0x12, 0x40000 + 0x30000) == 2 * US
