"""Resets in every mode and state with their recovery, RESET#, power, power-down, fast boot (hw-flash 4.1, 4.2, 6)."""

from __future__ import annotations

import pytest

from n6prog.sim.nor.wire import framing
from tests.sim.nor.bench import MS, US, Bench

RECOVERY = {None: 40 * US, 0x12: 310 * US, 0x21: 12 * MS, 0xDC: 25 * MS, 0x60: 100 * MS, 0x01: 40 * MS, 0x18: 12 * MS,
            0xE4: 12 * MS, 0x29: 310 * US}  # fmt: skip


def begin(bench: Bench, opcode: int | None) -> None:
    """Something under way, or nothing."""
    bench.individual()
    bench.nor.protection.dpb = 0
    if opcode == 0x29:
        bench.nor.protection.lock = 0xBB
    if opcode is not None:
        bench.enable()
        bench.send(opcode, 0, {0x12: b"\0\0", 0x01: b"\0", 0x29: bytes(8)}.get(opcode, b""))
        assert bench.nor.operation is not None


def deaf_until(bench: Bench, time: int) -> None:
    """The part answers in 1S from `time` on, and not a picosecond before."""
    assert bench.nor.ready_at == time
    bench.now = time - 1
    assert bench.frame(0x9F, want=3) is None
    bench.now = time
    assert bench.frame(0x9F, want=3) == b"\xc2\x80\x3a"


@pytest.mark.parametrize("work", list(RECOVERY))
def test_recovery_depends_on_what_was_interrupted(bench, mode, work):
    bench.octal(mode)
    begin(bench, work)
    bench.reset()
    assert bench.nor.mode == "1S"
    deaf_until(bench, bench.ended + RECOVERY[work])
    assert bench.sr & 3 == 0


@pytest.mark.parametrize("work", [0x12, 0x21, 0xDC])
@pytest.mark.parametrize("later", [0, 100 * US])
def test_suspended_work_counts_as_interrupted(bench, work, later):
    begin(bench, work)
    bench.send(0xB0)
    bench.now += later
    bench.reset()
    assert bench.nor.suspended is None
    deaf_until(bench, bench.ended + RECOVERY[work])
    assert bench.scur == 0x80


@pytest.mark.parametrize("work", [0x12, 0x21, 0x60])
def test_a_refused_operation_recovers_like_the_real_one_and_spoils_nothing(bench, work):
    bench.content[:] = b"\x77" * len(bench.content)
    bench.nor.registers.bp = 15
    bench.enable()
    bench.send(work, 0, b"\0" if work == 0x12 else b"")
    bench.now = bench.ended + US
    bench.nor.reset(bench.now)
    assert bench.nor.ready_at == bench.now + RECOVERY[work]
    assert bench.content == b"\x77" * len(bench.content)


def test_a_reset_puts_the_volatile_registers_back_and_keeps_the_rest(bench, mode):
    registers = bench.nor.registers
    registers.scur = 0x83
    bench.octal(mode)
    bench.nor.protection.dpb = 0
    registers.cr2[0x300] = 3
    registers.bp, registers.cr, registers.fbr = 9, 0x1A, 0x0000_2001
    bench.send(0xC0, 0, b"\x02")
    bench.enable()
    bench.send(0xB1)
    bench.reset()
    assert (bench.nor.mode, bench.nor.wel, bench.nor.otp, bench.nor.burst) == ("1S", False, False, 0)
    assert (registers.bp, registers.cr, registers.scur, registers.fbr) == (9, 0x0F, 0x83, 0x2001)
    assert registers.cr2 == {}
    assert bench.nor.protection.dpb == bench.nor.protection.every


@pytest.mark.parametrize(("opcode", "size"), [(0x21, 0x1000), (0xDC, 0x10000)])
def test_an_erase_cut_short_leaves_neither_the_old_nor_ff(bench, opcode, size):
    bench.content[:] = b"\x5a" * len(bench.content)
    bench.enable()
    bench.send(opcode, 0x10000)
    bench.now += MS
    bench.reset()
    region = bytes(bench.content[0x10000 : 0x10000 + size])
    for at in range(0, size, 64):
        assert region[at : at + 64] not in (b"\x5a" * 64, b"\xff" * 64)
    assert bytes(bench.content[:0x10000]) == b"\x5a" * 0x10000
    rest = bytes(bench.content[0x10000 + size :])
    assert rest == b"\x5a" * len(rest)


def test_a_chip_erase_cut_short_spoils_what_is_not_locked(bench):
    bench.content[:] = b"\x5a" * len(bench.content)
    begin(bench, None)
    bench.nor.protection.dpb = 1 << 16
    bench.enable()
    bench.send(0x60)
    bench.reset()
    assert bytes(bench.content[0x10000:0x20000]) == b"\x5a" * 0x10000
    for start in (0, 0x20000, 0x30000, 0x3FF00):
        assert bytes(bench.content[start : start + 0x100]) not in (b"\x5a" * 0x100, b"\xff" * 0x100)


@pytest.mark.parametrize("work", [0x18, 0xE4, 0x29])
def test_a_register_erase_cut_short_touches_no_array(bench, work):
    bench.content[:] = b"\x5a" * len(bench.content)
    begin(bench, work)
    bench.nor.registers.fbr = 0xFFFF_0001
    bench.nor.protection.spb = 6
    bench.reset()
    assert bench.content == b"\x5a" * len(bench.content)
    assert bench.nor.registers.fbr == 0xFFFF_0001
    assert bench.nor.protection.spb == 6


def test_what_is_left_depends_on_the_seed_and_differs_each_time():
    from tests.sim.nor.bench import SMALL

    def left(seed: int) -> tuple[bytes, bytes]:
        bench = Bench(SMALL, seed=seed)
        pieces = []
        for _ in range(2):
            bench.enable()
            bench.send(0x21, 0)
            bench.reset()
            pieces.append(bytes(bench.content[:0x1000]))
            bench.now = 0
            bench.nor.ready_at = 0
        return pieces[0], pieces[1]

    assert left(1) == left(1)
    assert left(1) != left(2)
    assert left(1)[0] != left(1)[1]


def test_suspended_work_is_spoiled_and_so_is_nothing_twice(bench):
    bench.content[:] = b"\x5a" * len(bench.content)
    bench.enable()
    bench.send(0x21, 0x3000)
    bench.send(0xB0)
    bench.wait()
    bench.reset()
    assert bytes(bench.content[0x3000:0x4000]) not in (b"\x5a" * 0x1000, b"\xff" * 0x1000)
    bench.content[0x3000:0x4000] = b"\x5a" * 0x1000
    bench.now += 100 * MS
    bench.reset()
    assert bench.content == b"\x5a" * len(bench.content)


def test_bp_is_anything_after_a_cut_in_wrsr(make_bench):
    seen = set()
    bench = make_bench()
    for _ in range(12):
        bench.nor.registers.bp = 0
        bench.enable()
        bench.send(0x01, 0, b"\0")
        bench.nor.power_off(bench.now)
        seen.add(bench.nor.registers.bp)
        bench.nor.power_on(bench.now)
        bench.now += 1500 * US
    assert len(seen) > 4
    assert max(seen) > 7
    assert seen <= set(range(16))
    bench.individual()
    bench.nor.registers.bp = 5
    bench.enable()
    bench.send(0x01, 0, b"\0")
    bench.nor.power_off(bench.now)
    assert bench.nor.registers.bp == 5  # WPSEL: it is not written


# ---- power ---------------------------------------------------------------------------------------------------------


def test_power_goes_between_a_last_picosecond_and_the_end(bench):
    for early, blank in ((1, False), (0, True)):
        bench.content[0:0x1000] = bytes(0x1000)
        bench.enable()
        bench.send(0x21, 0)
        end = bench.nor.busy_until
        bench.nor.power_off(end - early)
        assert (bench.content[:0x1000] == b"\xff" * 0x1000) is blank
        bench.nor.power_on(end)
        bench.now = end + 2 * MS


def test_a_command_that_would_end_after_the_power_was_never_heard(bench):
    bench.content[0:16] = bytes(16)
    bench.enable()
    start = bench.now
    bench.send(0x21, 0)
    assert bench.nor.operation.start == bench.ended > start
    bench.nor.power_off(bench.ended - 1)
    assert bench.content[:16] == bytes(16)
    bench.nor.power_on(bench.ended)
    bench.now = bench.ended + 2 * MS
    bench.enable()
    bench.send(0x21, 0)
    bench.nor.power_off(bench.ended)
    assert bench.content[:16] != bytes(16)


def test_at_a_moment_known_beforehand_power_goes_whoever_looks_later(make_bench):
    bench = make_bench()
    bench.nor.dies_at = bench.now + 10 * US
    bench.enable()
    assert bench.sr == 2  # heard: WEL (hw-flash 3)
    bench.now = bench.nor.dies_at - 1
    assert bench.sr == 2
    bench.now = bench.nor.dies_at
    assert bench.get(0x05) is None
    assert not bench.nor.powered
    assert len(bench.nor.frames) == 4  # the one that nobody heard was sent


def test_what_ends_after_the_moment_at_which_power_goes_is_cut_short_there(make_bench):
    for late in (0, 1):
        bench = make_bench()
        bench.content[:16] = bytes(16)
        bench.enable()
        bench.send(0x21, 0)
        bench.nor.dies_at = bench.nor.busy_until - late
        bench.now = bench.nor.busy_until + MS
        assert bench.get(0x05) is None
        assert (bench.content[:16] == b"\xff" * 16) is (late == 0)


def test_memory_is_no_content_from_the_moment_on_at_which_power_goes(make_bench):
    bench = make_bench()
    bench.nor.dies_at = bench.now + 10 * US
    frame, head = framing("1S", 4, data=True), b"\x13\0\0\0\0"
    assert bench.nor.serves_content(frame, head, bench.nor.dies_at - 1)
    assert not bench.nor.serves_content(frame, head, bench.nor.dies_at)
    assert not bench.nor.powered


def test_without_power_nothing_is_heard_and_tvsl_later_everything(bench, mode):
    bench.octal(mode)
    bench.enable()
    bench.nor.power_off(bench.now)
    assert (bench.nor.mode, bench.nor.wel) == ("1S", False)
    assert bench.frame(0x9F, want=3) is None
    bench.nor.power_off(bench.now)
    bench.nor.power_on(bench.now)
    at = bench.now
    bench.nor.power_on(bench.now + MS)  # it is on already
    deaf_until(bench, at + 1500 * US)


def test_power_down_takes_its_time_both_ways(bench, mode):
    bench.octal(mode)
    bench.send(0xB9)
    down = bench.ended
    assert bench.nor.ready_at == down + 10 * US
    bench.now = down + 10 * US - 1
    bench.send(0xAB)
    assert bench.nor.power_down
    bench.now = down + 10 * US
    bench.send(0xAB)
    up = bench.ended
    assert not bench.nor.power_down
    assert bench.nor.ready_at == up + 30 * US
    bench.now = up + 30 * US - 1
    assert bench.get(0x05) is None
    bench.now = up + 30 * US
    assert bench.sr == 0
    assert bench.nor.mode == mode


def test_a_release_without_power_down_does_nothing(bench):
    bench.send(0xAB)
    assert bench.nor.ready_at == 0


def test_a_reset_ends_power_down_in_30_us(bench, mode):
    bench.octal(mode)
    bench.send(0xB9)
    bench.now += 10 * US
    bench.reset()
    assert not bench.nor.power_down
    deaf_until(bench, bench.ended + 30 * US)


# ---- RESET# --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("work", list(RECOVERY))
def test_the_reset_pin_does_what_the_command_does(bench, mode, work):
    bench.octal(mode)
    begin(bench, work)
    low = bench.now
    bench.nor.drive_reset(True, low)
    bench.nor.drive_reset(True, low + US)
    assert bench.nor.mode == "1S"
    bench.now = low + 500 * MS
    assert bench.frame(0x9F, want=3) is None
    assert bench.nor.ready_at == low + RECOVERY[work]
    bench.nor.drive_reset(False, low + 10 * US)
    deaf_until(bench, low + max(RECOVERY[work], 20 * US))


def test_after_a_long_low_the_part_is_heard_10_us_later(bench):
    bench.nor.drive_reset(True, MS)
    bench.nor.drive_reset(False, 5 * MS)
    deaf_until(bench, 5 * MS + 10 * US)


def test_the_reset_pin_in_power_down_takes_tres1_and_the_pulse(bench):
    bench.send(0xB9)
    bench.now += 10 * US
    at = bench.now
    bench.nor.drive_reset(True, at)
    bench.nor.drive_reset(False, at + 10 * US)
    deaf_until(bench, at + 40 * US)


def test_the_reset_pin_lets_what_is_over_stand(bench):
    bench.content[:0x1000] = bytes(0x1000)
    bench.enable()
    bench.send(0x21, 0)
    bench.nor.drive_reset(True, bench.nor.busy_until)
    assert bench.content[:0x1000] == b"\xff" * 0x1000


def test_power_that_comes_with_the_pin_low_is_not_heard_until_it_is_high(bench):
    bench.nor.power_off(0)
    bench.nor.drive_reset(True, 1)
    bench.nor.power_on(2)
    bench.now = 3 * MS
    assert bench.frame(0x9F, want=3) is None
    bench.nor.drive_reset(False, 3 * MS)
    deaf_until(bench, 3 * MS + 10 * US)


def test_a_pin_released_without_power_is_high_when_power_comes(bench):
    bench.nor.drive_reset(True, 0)
    bench.nor.power_off(1)
    bench.nor.drive_reset(False, 2)
    bench.nor.power_on(3)
    deaf_until(bench, 3 + 1500 * US)


# ---- fast boot -----------------------------------------------------------------------------------------------------


def test_with_fast_boot_the_first_frame_after_a_reset_is_swallowed(bench, mode):
    registers = bench.nor.registers
    registers.fbr = 0x0000_1006
    registers.cr2_default = {"1S": 0xFF, "8S": 0xFE, "8D": 0xFD}[mode]
    bench.content[0x1000:0x1004] = b"\x11\x22\x33\x44"
    bench.octal(mode)
    bench.reset()
    bench.now += 100 * US
    bench.enable()  # this one
    assert not bench.nor.wel
    bench.enable()
    assert bench.nor.wel


@pytest.mark.parametrize(
    ("mode", "code", "clocks"),
    [("1S", 0, 12), ("1S", 3, 12), ("8S", 0, 10), ("8S", 1, 14), ("8S", 2, 16), ("8S", 3, 20), ("8D", 0, 10),
     ("8D", 3, 20)],
)  # fmt: skip
def test_a_fast_boot_read_gives_the_array_after_its_clocks(make_bench, mode, code, clocks):
    from n6prog.sim.nor.wire import NONE, Framing, Phase

    lines, double = int(mode[0]), mode[1] == "D"
    data = Phase(lines, double)
    row = bytes.fromhex("1122334455667788")
    two = {"1S": 2, "8S": 2, "8D": 4}[mode]  # bytes in 16 clocks of one line, 2 clocks of eight
    step = 16 if lines == 1 else 2
    for late, want in ((0, row[:4]), (step, row[two : two + 4]), (-step, (b"\xff" * two + row)[:4])):
        bench = make_bench(undriven="ff")
        bench.nor.registers.fbr = 0x0000_1000 | code << 1
        bench.nor.registers.cr2_default = {"1S": 0xFF, "8S": 0xFE, "8D": 0xFD}[mode]
        bench.content[0x1000:0x1008] = row
        bench.nor.power_off(0)
        bench.nor.power_on(0)
        if clocks + late < 0:
            continue
        frame = Framing.of(NONE, NONE, NONE, data, clocks + late)
        answer = bench.nor.transaction(2 * MS, bench.clock, frame, b"", b"", 4)
        if double:
            answer = bytes(answer[index ^ 1] for index in range(4))
        assert answer == want
        assert bench.nor.boot_read is False


def test_fast_boot_is_off_as_delivered(bench):
    bench.nor.power_off(0)
    bench.nor.power_on(0)
    assert not bench.nor.boot_read
    bench.now = 2 * MS
    assert bench.frame(0x9F, want=3) == b"\xc2\x80\x3a"
    assert bench.frame(0x06, mode="8S") is None


def test_a_frame_of_another_mode_is_swallowed_too(bench):
    bench.nor.registers.fbr = 0
    bench.nor.power_off(0)
    bench.nor.power_on(0)
    bench.now = 2 * MS
    assert bench.frame(0x9F, bytes(4), want=3, dummy=4, mode="8S") is None
    assert bench.frame(0x9F, want=3) == b"\xc2\x80\x3a"
