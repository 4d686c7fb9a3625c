"""Every command of hw-flash 2.1 to 2.3 in every bus mode: its frame, its exact number of bits, where it is heard."""

from __future__ import annotations

import pytest

from n6prog.sim.nor.commands import COMMANDS
from tests.sim.nor.bench import FRAMES, SINGLE_RATE, US, Bench

SPI_ONLY = {0x03, 0x13, 0x0B, 0x0C, 0x02, 0x20, 0xD8}
READS = {0x03, 0x13, 0x0B, 0x0C, 0xEC, 0xEE, 0x9F, 0x5A, 0x05, 0x15, 0x71, 0x2B, 0x16, 0xE0, 0xE2, 0x2D, 0x27}
ARRAY = {0x03, 0x13, 0x0B, 0x0C, 0xEC, 0xEE}
INDIVIDUAL = {0x7E, 0x98, 0xE0, 0xE1, 0xE2, 0xE4, 0x2D, 0x27, 0x29}  # only with SCUR.WPSEL (hw-flash 2.4, rule 10)
FORBIDDEN = {0x68, 0x2F, 0x2C, 0x28, 0xE3, 0x17}
NEEDS_WEL = {0x02, 0x12, 0x20, 0x21, 0xD8, 0xDC, 0x60, 0xC7, 0x01, 0x72, 0x18, 0x7E, 0x98, 0xE1, 0xE4, 0x29}


def there(opcode: int, mode: str) -> bool:
    """Whether the mode has the command."""
    if mode == "1S":
        return opcode not in (0xEC, 0xEE)
    return opcode not in SPI_ONLY and opcode != {"8S": 0xEE, "8D": 0xEC}[mode]


def ready(bench: Bench, mode: str) -> None:
    """In `mode`, sectors locked one by one but open, something in the array."""
    bench.individual()
    bench.octal(mode)
    bench.nor.protection.dpb = 0
    bench.content[0x100:0x108] = b"\x11\x22\x33\x44\x55\x66\x77\x88"


ADDRESSES = {0x15: 1, **dict.fromkeys(ARRAY, 0x100)}


def expected(opcode: int, bench: Bench) -> bytes:
    """The first four bytes of every read on `ready`."""
    if opcode in ARRAY:
        return b"\x11\x22\x33\x44"
    mode = {"1S": 0, "8S": 1, "8D": 2}[bench.nor.mode]
    return {
        0x9F: b"\xc2\x80\x3a\xc2", 0x5A: b"SFDP", 0x05: bytes(4), 0x15: b"\x07" * 4, 0x71: bytes((mode,)) * 4,
        0x2B: b"\x80" * 4, 0x16: b"\xff" * 4, 0xE0: bytes(4), 0xE2: bytes(4), 0x2D: b"\xff" * 4, 0x27: b"\xff" * 4,
    }[opcode]  # fmt: skip


def read(bench: Bench, opcode: int, count: int = 4) -> bytes | None:
    address = ADDRESSES.get(opcode, 0)
    return bench.get(opcode, address if bench.nor.mode != "1S" or FRAMES[opcode][0] else 0, count)


def test_the_table_has_every_opcode_and_no_other():
    assert set(COMMANDS) == set(FRAMES)


@pytest.mark.parametrize("opcode", sorted(READS))
def test_reads_answer_to_their_own_frame_in_every_mode_that_has_them(bench, mode, opcode):
    ready(bench, mode)
    bench.nor.protection.password = b"\xff" * 8
    if there(opcode, mode):
        assert read(bench, opcode) == expected(opcode, bench)
    else:
        assert bench.frame(opcode, bytes(4), want=4, dummy=20, mode=mode) is None


@pytest.mark.parametrize("opcode", sorted(READS - {0x05, 0x16, 0x2B, 0x15, 0x71, 0xE0, 0xE2, 0x2D, 0x27}))
def test_one_dummy_clock_off_in_either_direction_gives_something_else(bench, mode, opcode):
    ready(bench, mode)
    if not there(opcode, mode):
        return
    dummy = FRAMES[opcode][1 if mode == "1S" else 3]
    dummy = 20 if dummy == -1 else dummy
    head = bench.head(opcode, ADDRESSES.get(opcode, 0))
    right = bench.frame(opcode, head, want=4, dummy=dummy, mode=mode)
    for wrong in (dummy - 1, dummy + 1):
        if wrong >= 0:
            assert bench.frame(opcode, head, want=4, dummy=wrong, mode=mode) != right


@pytest.mark.parametrize("opcode", sorted(READS))
@pytest.mark.parametrize("octal", ["8S", "8D"])
def test_octal_data_begin_after_exactly_so_many_clocks(make_bench, octal, opcode):
    if not there(opcode, octal):
        return
    clocks = {0x5A: 20, 0x27: 20, 0xEC: 20, 0xEE: 20, 0xE0: 20, 0xE2: 20}.get(opcode, 4)  # hw-flash 2
    early = clocks * (2 if octal == "8D" else 1)  # bytes
    answers = []
    for style in ("ff", "00"):
        bench = make_bench(undriven=style)
        ready(bench, octal)
        head = bench.head(opcode, ADDRESSES.get(opcode, 0))
        answer = bench.frame(opcode, head, want=early + 4, mode=octal)
        assert answer is not None
        assert answer[:early] == (b"\xff" if style == "ff" else b"\0") * early
        answers.append(answer[early:])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("opcode", sorted(SINGLE_RATE))
def test_registers_repeat_while_clocked(bench, mode, opcode):
    ready(bench, mode)
    bench.nor.registers.fbr = 0x0403_0201
    answer = read(bench, opcode, 9)
    period = {0x9F: 3, 0x16: 4}.get(opcode, 1)
    assert answer is not None
    assert answer == (answer[:period] * 9)[:9]
    if opcode == 0x16:
        assert answer[:4] == b"\x01\x02\x03\x04"


@pytest.mark.parametrize("opcode", [0x9F, 0x05, 0x2B, 0x16, 0x2D, 0x27])
@pytest.mark.parametrize("octal", ["8S", "8D"])
def test_an_octal_register_read_from_another_address_is_silent(bench, octal, opcode):
    ready(bench, octal)
    assert bench.get(opcode, 1, 2) is None
    assert bench.get(opcode, 0, 2) is not None


@pytest.mark.parametrize("octal", ["8S", "8D"])
def test_the_configuration_register_is_at_address_1(bench, octal):
    bench.octal(octal)
    assert bench.get(0x15, 0) is None
    assert bench.get(0x15, 2) is None
    assert bench.get(0x15, 1) == b"\x07"


def effect(bench: Bench, opcode: int) -> bool:
    """Whether the write did anything that can be seen."""
    nor = bench.nor
    state = (
        nor.operation, nor.suspended, nor.wel, nor.mode, nor.burst, nor.power_down, nor.otp, nor.reset_enabled,
        nor.ready_at, nor.protection.dpb, nor.registers.scur, dict(nor.registers.cr2), len(bench.tripwire.violations),
    )  # fmt: skip
    before, bench.seen = getattr(bench, "seen", None), state
    return before != state


# opcode: (address, data in 1S and 8S); what makes each act
WRITES = {
    0x02: (0, b"\x5a\xa5"), 0x12: (0, b"\x5a\xa5"), 0x20: (0, b""), 0x21: (0, b""), 0xD8: (0, b""), 0xDC: (0, b""),
    0x60: (0, b""), 0xC7: (0, b""), 0xC0: (0, b"\x01"), 0x06: (0, b""), 0x04: (0, b""), 0x01: (0, b"\x00"),
    0x72: (0x300, b"\x03"), 0x2F: (0, b""), 0x17: (0, bytes(4)), 0x18: (0, b""), 0x66: (0, b""), 0xB9: (0, b""),
    0xB1: (0, b""), 0x68: (0, b""), 0x7E: (0, b""), 0x98: (0, b""), 0xE1: (0, b"\x01"), 0xE3: (0, b""),
    0xE4: (0, b""), 0x2C: (0, b"\xff"), 0x28: (0, bytes(8)), 0x29: (0, bytes(8)),
}  # fmt: skip


def prepared(bench: Bench, mode: str, opcode: int) -> None:
    """`ready`, with WEL where the command takes or clears it, and the lock bits so that it changes something."""
    ready(bench, mode)
    if opcode == 0x29:
        bench.nor.protection.lock = 0xBB  # password mode, locked down
    if opcode == 0x98:
        bench.nor.protection.dpb = bench.nor.protection.every
    if opcode in NEEDS_WEL or opcode == 0x04:
        bench.enable()
    effect(bench, opcode)


def wire(bench: Bench, opcode: int) -> tuple[bytes, bytes]:
    """Head (without opcode) and data of the documented frame, as on the wire."""
    address, data = WRITES[opcode]
    doubled = bench.nor.mode == "8D" and opcode in {0x01, 0x72, 0xC0, 0xE1, 0x2C}
    return bench.head(opcode, address), data * 2 if doubled else data


@pytest.mark.parametrize("opcode", sorted(WRITES))
def test_writes_act_in_every_mode_that_has_them(bench, mode, opcode):
    prepared(bench, mode, opcode)
    head, data = wire(bench, opcode) if there(opcode, mode) else (bytes(4), WRITES[opcode][1])
    bench.frame(opcode, head, data, mode=mode)
    assert effect(bench, opcode) is there(opcode, mode)
    assert len(bench.tripwire.violations) == (1 if opcode in FORBIDDEN and there(opcode, mode) else 0)


@pytest.mark.parametrize("opcode", sorted(WRITES))
@pytest.mark.parametrize("change", [-2, -1, 1, 2])
def test_a_write_with_bytes_too_few_or_too_many_is_ignored_and_wel_stays(bench, mode, opcode, change):
    if not there(opcode, mode):
        return
    prepared(bench, mode, opcode)
    head, data = wire(bench, opcode)
    rest = head + data
    if len(rest) + change < 0:
        return
    rest = rest[:change] if change < 0 else rest + b"\0" * change
    count = len(rest) - len(head)
    bench.frame(opcode, out=rest, mode=mode)
    accepted = {
        0x02: count >= 1, 0x12: count >= (2 if mode == "8D" else 1), 0x01: mode == "1S" and count in (1, 2),
    }.get(opcode, False)  # fmt: skip
    assert effect(bench, opcode) is (accepted or opcode in FORBIDDEN)
    assert bool(bench.tripwire.violations) is (opcode in FORBIDDEN)  # the tripwire does not count bits
    assert bench.nor.wel or opcode not in FORBIDDEN & NEEDS_WEL


@pytest.mark.parametrize("opcode", sorted(set(WRITES) - FORBIDDEN - {0x01}))
def test_a_write_with_surplus_bits_of_dummies_or_a_read_phase_is_ignored(bench, mode, opcode):
    if not there(opcode, mode):
        return
    prepared(bench, mode, opcode)
    head, data = wire(bench, opcode)
    if opcode not in (0x02, 0x12):
        bench.frame(opcode, head, data, dummy=1, mode=mode)
        bench.frame(opcode, head, data, dummy=8, mode=mode)
        bench.frame(opcode, head, data, want=2, mode=mode)
    assert not effect(bench, opcode)


def test_a_program_takes_its_dummy_clocks_for_data(make_bench):
    bench = make_bench(undriven="00")
    bench.enable()
    bench.frame(0x12, bytes(4), b"\x5a", dummy=16)
    bench.wait()
    assert bytes(bench.content[:4]) == b"\0\0\x5a\xff"
    bench.enable()
    bench.frame(0x12, bytes(4), b"\x5a", dummy=7)  # no whole byte
    assert bench.sr == 2


@pytest.mark.parametrize("opcode", sorted(NEEDS_WEL))
def test_without_wel_nothing_happens(bench, mode, opcode):
    if not there(opcode, mode):
        return
    prepared(bench, mode, opcode)
    bench.send(0x04)
    effect(bench, opcode)
    head, data = wire(bench, opcode)
    bench.frame(opcode, head, data, mode=mode)
    assert not effect(bench, opcode)


@pytest.mark.parametrize("opcode", sorted(set(WRITES) - NEEDS_WEL - FORBIDDEN))
def test_the_rest_needs_no_wel(bench, opcode):
    prepared(bench, "1S", opcode)
    bench.frame(opcode, *wire(bench, opcode))
    assert effect(bench, opcode)


def test_a_nop_does_nothing_and_cancels_a_reset(bench, mode):
    bench.octal(mode)
    bench.send(0x66)
    bench.send(0x00)
    assert not bench.nor.reset_enabled
    bench.send(0x99)
    assert bench.nor.ready_at == 0


@pytest.mark.parametrize("between", [0x05, 0x06, 0x9F, 0xAA])
def test_anything_between_the_two_cancels_a_reset(bench, between):
    bench.send(0x66)
    bench.frame(between, want=1 if between in (0x05, 0x9F) else 0)
    bench.send(0x99)
    assert bench.nor.ready_at == 0


def test_a_wrong_inverse_or_a_lone_byte_is_no_opcode(bench):
    bench.octal("8S")
    bench.frame(0x06, mode="8S", inverse=0xF8)
    assert not bench.nor.wel
    bench.nor.transaction(bench.now, bench.clock, _one_byte("8S"), b"\x06")
    assert not bench.nor.wel
    bench.nor.transaction(bench.now, bench.clock, _no_phase(), b"")
    assert not bench.nor.wel


def _one_byte(mode: str):
    from n6prog.sim.nor.wire import NONE, Framing, Phase

    return Framing.of(Phase(8, mode == "8D", 1), NONE, NONE, NONE)


def _no_phase():
    from n6prog.sim.nor.wire import NONE, Framing

    return Framing.of(NONE, NONE, NONE, NONE)


def test_no_opcode_at_all_is_ignored_in_1s(bench):
    assert bench.nor.transaction(0, bench.clock, _no_phase(), b"") is None


# ---- where commands are heard --------------------------------------------------------------------------------------

HEARD_BUSY = {0x05, 0x15, 0x2B}
HEARD_IN_OTP = ARRAY | {0x9F, 0x05, 0x15, 0x71, 0x2B, 0x16}


@pytest.mark.parametrize("opcode", sorted(READS))
def test_while_busy_only_the_status_registers_are_read(bench, mode, opcode):
    ready(bench, mode)
    if not there(opcode, mode):
        return
    bench.enable()
    bench.send(0x21, 0x10000)
    assert (read(bench, opcode) is not None) is (opcode in HEARD_BUSY)
    assert read(bench, 0x05) == b"\x03" * 4
    bench.wait()
    assert read(bench, opcode) is not None


@pytest.mark.parametrize("opcode", sorted(READS))
def test_while_suspended_everything_is_read(bench, mode, opcode):
    ready(bench, mode)
    if not there(opcode, mode):
        return
    bench.enable()
    bench.send(0x21, 0x10000)
    bench.send(0xB0)
    bench.now += 56 * US
    answer = read(bench, opcode)
    assert answer == (b"\x88" * 4 if opcode == 0x2B else expected(opcode, bench))


@pytest.mark.parametrize("opcode", sorted(READS))
def test_in_otp_mode_there_is_no_sfdp_and_no_protection_group(bench, mode, opcode):
    ready(bench, mode)
    if not there(opcode, mode):
        return
    bench.send(0xB1)
    assert (read(bench, opcode) is not None) is (opcode in HEARD_IN_OTP)


@pytest.mark.parametrize("opcode", sorted(READS))
def test_in_power_down_nothing_is_read(bench, mode, opcode):
    ready(bench, mode)
    if not there(opcode, mode):
        return
    bench.send(0xB9)
    bench.now += 10 * US
    assert read(bench, opcode) is None


@pytest.mark.parametrize("opcode", sorted(INDIVIDUAL & READS))
def test_the_protection_group_is_not_read_without_wpsel(bench, mode, opcode):
    ready(bench, mode)
    bench.nor.registers.scur = 0
    assert read(bench, opcode) is None


ACTS_SUSPENDED = {0xC0, 0x06, 0x04, 0x72, 0x66, 0xB1}
ACTS_IN_OTP = {0x02, 0x12, 0xC0, 0x06, 0x04, 0x72, 0x66, 0xB9}


@pytest.mark.parametrize("opcode", sorted(WRITES))
def test_while_suspended_nothing_is_begun(bench, mode, opcode):
    if not there(opcode, mode):
        return
    ready(bench, mode)
    bench.enable()
    bench.send(0x21, 0x10000)
    bench.send(0xB0)
    bench.now += 56 * US
    bench.nor.protection.lock = 0xBB if opcode == 0x29 else 0xFF
    bench.nor.protection.dpb = bench.nor.protection.every if opcode == 0x98 else 0
    bench.nor.settle(bench.now)
    if opcode != 0x06:
        bench.enable()
    effect(bench, opcode)
    bench.frame(opcode, *wire(bench, opcode), mode=mode)
    assert effect(bench, opcode) is (opcode in ACTS_SUSPENDED)


@pytest.mark.parametrize("opcode", sorted(WRITES))
def test_in_otp_mode_nothing_is_erased_or_locked(bench, mode, opcode):
    if not there(opcode, mode):
        return
    prepared(bench, mode, opcode)
    bench.send(0xB1)
    effect(bench, opcode)
    bench.frame(opcode, *wire(bench, opcode), mode=mode)
    # a second ENSO changes nothing; page programs are refused by the tripwire
    assert effect(bench, opcode) is (opcode in ACTS_IN_OTP)
    assert len(bench.tripwire.violations) == (1 if opcode in (0x02, 0x12) else 0)


@pytest.mark.parametrize("opcode", sorted(WRITES))
def test_while_busy_nothing_is_begun(bench, mode, opcode):
    if not there(opcode, mode):
        return
    prepared(bench, mode, opcode)
    bench.enable()
    bench.send(0x21, 0x10000)
    effect(bench, opcode)
    bench.frame(opcode, *wire(bench, opcode), mode=mode)
    assert effect(bench, opcode) is (opcode == 0x66)


@pytest.mark.parametrize("opcode", sorted(WRITES))
def test_in_power_down_only_a_reset_and_the_release_act(bench, mode, opcode):
    if not there(opcode, mode):
        return
    prepared(bench, mode, opcode)
    bench.send(0xB9)
    bench.now += 10 * US
    effect(bench, opcode)
    bench.frame(opcode, *wire(bench, opcode), mode=mode)
    assert effect(bench, opcode) is (opcode == 0x66)


@pytest.mark.parametrize("opcode", sorted(INDIVIDUAL - READS))
def test_the_protection_group_does_nothing_without_wpsel(bench, opcode):
    prepared(bench, "1S", opcode)
    bench.nor.registers.scur = 0
    effect(bench, opcode)
    bench.frame(opcode, *wire(bench, opcode))
    assert not effect(bench, opcode)
