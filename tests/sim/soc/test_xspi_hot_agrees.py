"""Any program sees the same through the fast ways to XSPI's registers and through the plain ones, at the same time."""

from __future__ import annotations

import random

import pytest

from n6prog.sim.soc.bus import BusHang
from n6prog.sim.soc.xspi import Xspi
from n6prog.sim.soc.xspi_map import WRITE

CLK = 31_250
XSPI2 = 0x5802_A000
CR, SR, FCR, DLR, AR, DR = 0x000, 0x020, 0x024, 0x040, 0x048, 0x050
PSMKR, PSMAR, PIR, CCR, TCR, IR = 0x080, 0x088, 0x090, 0x100, 0x108, 0x110
BUSY, TOF, SMF, FTF, TCF = 0x20, 0x10, 8, 4, 2
OCTAL, OCTAL_DTR, SINGLE = 0x0400_3404, 0x0C00_3404, 0x0100_3101  # CCR: 32-bit address and data
NO_KERNEL_CLOCK = 0x5602_8158, 3 << 4  # RCC CCIPR6: a source of XSPI2's clock that does not run
NO_DATA = {OCTAL: 0x3404, OCTAL_DTR: 0x3404, SINGLE: 0x3101}


class Way:
    """A program's way to the registers: the fast one where there is one, or the plain one."""

    def __init__(self, bench, fast):
        self.bench, self.fast = bench, fast
        self.told = []  # when the core was told to look at the interrupt line
        bench.bring_up()
        bench.soc.on_irq_changed = self.irq_changed

    def irq_changed(self):
        if self.bench.xspi.interrupts:  # without, the line is low before and after
            self.told.append(self.bench.time.now)

    def read(self, offset, size=4):
        soc = self.bench.soc
        reader = soc.hot.get(XSPI2 + offset, soc.read) if self.fast else soc.read
        return reader(XSPI2 + offset, size)

    def write(self, offset, value, size=4):
        soc = self.bench.soc
        writer = soc.hot_writes.get(XSPI2 + offset, soc.write) if self.fast else soc.write
        writer(XSPI2 + offset, size, value)

    def step(self, name, *rest):
        """One step of a program: what it saw."""
        try:
            if name == "wait":
                self.bench.time.now += rest[0]
                return None
            return self.read(*rest) if name == "read" else self.write(*rest)
        except BusHang:
            return "hang"

    def begin(self, kind, ccr, length, cr):
        """Out of whatever was under way, and into a transfer."""
        mode = {"read": 0x1000_0000, "poll": 0x2040_0000, "busy": 0x2000_0000 | (length & 1) << 22}.get(kind, 0)
        if kind == "busy":  # polls that do not match until then, or ever
            since = self.bench.time.now + length % 5 * 700 * CLK
            self.bench.fake.answer = b"\x03"
            self.bench.fake.changes = [(since, b"\x02")] if length % 5 else []
        self.write(CR, 0)  # ends what was, and the count of looks without news
        self.write(CR, cr | mode | 1)
        self.write(DLR, length - 1)
        self.write(PSMKR, 1)
        self.write(TCR, 0)
        self.write(CCR, NO_DATA[ccr] if kind == "command" else ccr)
        self.write(IR, 0x12)
        self.write(AR, 0x40)

    def sends_a_head(self):
        """Whether data wait for the head of their frame."""
        xspi, out = self.bench.xspi, self.bench.xspi.output
        now = self.bench.time.now + xspi.cost
        return xspi.state == WRITE and (out.dry - now) * 4 > len(out.sent) * out.word

    def seen(self):
        now = self.bench.time.now
        coming = self.bench.xspi.next_irq(now)
        assert coming > now
        return now, coming, self.told, self.bench.heard


LENGTHS = [1, 3, 4, 7, 8, 12, 63, 64, 65, 68, 72, 100, 132]
THRESHOLDS = [0, 3, 3, 4, 7, 15, 31, 63]
MODES = [1, 0x301, 0x1F01, 0x1000_0301, 0x1000_0001, 0x2000_0301, 0x0002_0301, 0x3000_0301, 3, 0]
INTERRUPTS = [0, 0, 0, 0x0002_0000, 0x0004_0000]


def steps(kind, dice):
    """What a program may do while a transfer lasts, or when it is over: mostly looks and data."""
    size = dice.choice([4, 4, 4, 4, 4, 4, 2, 1])
    look, pop = ("read", SR, size), ("read", DR, size)
    push = ("write", DR, dice.randrange(256), size)
    wait = ("wait", dice.choice([1, 1, 2, 3, 4, 5, 8, 30, 70]) * CLK)
    clear = ("write", FCR, dice.choice([0, 1, 2, 0xFF]), size)
    unusual = [
        push,
        pop,
        ("write", dice.choice([DLR, PSMKR, PSMAR, PIR, TCR]), dice.randrange(0x56), size),
        ("write", CR, dice.choice(MODES), size),
        ("write", AR, 0x40),
    ]
    data = {"read": [pop] * 12, "write": [push] * 12, "command": [look] * 4, "poll": [look] * 4, "busy": [look] * 4}[
        kind
    ]
    return dice.choice([*[look] * 5, *data, wait, wait, clear, dice.choice(unusual)])


@pytest.mark.parametrize("cost", [0, CLK, 4 * CLK])
@pytest.mark.parametrize("ccr", [OCTAL, OCTAL_DTR, SINGLE])
@pytest.mark.parametrize("kind", ["read", "write", "command", "poll", "busy"])
def test_no_program_can_tell_the_fast_way_from_the_plain_one(make_bench, kind, ccr, cost):
    dice = random.Random(f"{kind} {ccr} {cost}")
    plain, fast = Way(make_bench(cost), fast=False), Way(make_bench(cost), fast=True)
    for _ in range(30):
        begin = kind, ccr, dice.choice(LENGTHS), dice.choice(THRESHOLDS) << 8 | dice.choice(INTERRUPTS)
        plain.begin(*begin)
        fast.begin(*begin)
        looked = False
        for _ in range(dice.randrange(60)):
            step = steps(kind, dice)
            is_look = step[:2] == ("read", SR)
            if is_look and (looked or plain.sends_a_head()):
                # bytes that nobody takes out: the plain way waits for the end, the fast one lets time pass; while the
                # head of a write goes out the fast way counts it as data that wait in the FIFO
                continue
            saw = plain.step(*step)
            assert fast.step(*step) == saw, step
            assert fast.seen() == plain.seen(), step
            if step[0] != "wait":
                looked = is_look and kind == "read" and plain.bench.xspi.input.popped > 0
        assert fast.bench.xspi.snapshot() == plain.bench.xspi.snapshot()


@pytest.mark.parametrize("cost", [0, CLK, 4 * CLK])
@pytest.mark.parametrize("ccr", [OCTAL, OCTAL_DTR, SINGLE])
def test_a_run_of_words_is_so_many_words_at_the_same_times(make_bench, ccr, cost):
    dice = random.Random(f"runs {ccr} {cost}")
    plain, fast = Way(make_bench(cost), fast=False), Way(make_bench(cost), fast=True)
    taken = 0
    for _ in range(100):
        begin = "write", ccr, dice.choice([*LENGTHS, *[256] * 13]), 63 << 8 | dice.choice(INTERRUPTS)
        plain.begin(*begin)
        fast.begin(*begin)
        for _ in range(dice.randrange(9)):
            words = dice.randbytes(4 * dice.choice([1, 2, 8, 14, 16, 16, 16, 20]))
            limit = plain.bench.time.now + dice.choice([8, 64, 1000, 1000]) * CLK
            done = fast.bench.soc.hot_runs[XSPI2 + DR](words, limit)
            taken += done
            for at in range(0, len(words), 4):
                value = int.from_bytes(words[at : at + 4], "little")
                plain.write(DR, value)
                if not done:
                    fast.write(DR, value)
            assert fast.seen() == plain.seen()
            assert not done or plain.bench.time.now < limit
            assert fast.bench.xspi.output.snapshot() == plain.bench.xspi.output.snapshot()
            assert fast.bench.xspi.seen == plain.bench.xspi.seen
            step = dice.choice([("wait", 20 * CLK), ("wait", 400 * CLK), ("read", DLR), ("read", SR, 2)])
            assert fast.step(*step) == plain.step(*step)
        assert fast.bench.xspi.snapshot() == plain.bench.xspi.snapshot()
    assert taken > 50


def test_a_frame_without_an_address_begins_with_ir(make_bench):
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    for way in (plain, fast):
        way.write(CR, 1)
        way.write(CCR, 4)  # 8S, an instruction and nothing else
        way.write(AR, 0x40)
        way.write(IR, 0x06)
        way.bench.wait(100)
        way.read(SR)
        assert [head for _, _, head, *_ in way.bench.heard] == [b"\x06"]
    assert fast.seen() == plain.seen()


@pytest.mark.parametrize("length", [61, 62, 63, 64, 65, 68, 256])
def test_a_run_that_begins_a_transfer_is_so_many_words(make_bench, length):
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    words = bytes(range(64))
    for way in (plain, fast):
        way.begin("write", SINGLE, length, 3 << 8)
    assert fast.bench.soc.hot_runs[XSPI2 + DR](words, plain.bench.time.now + 17 * CLK)
    for at in range(0, 64, 4):
        plain.write(DR, int.from_bytes(words[at : at + 4], "little"))
    assert fast.seen() == plain.seen()
    assert fast.bench.xspi.snapshot() == plain.bench.xspi.snapshot()


def test_a_run_that_would_be_over_at_the_limit_is_left_to_the_slow_way(make_bench):
    way = Way(make_bench(CLK), fast=True)
    way.begin("write", SINGLE, 256, 3 << 8)
    before = way.seen(), way.bench.xspi.snapshot()
    assert not way.bench.soc.hot_runs[XSPI2 + DR](bytes(64), way.bench.time.now + 16 * CLK)
    assert (way.seen(), way.bench.xspi.snapshot()) == before


@pytest.mark.parametrize("kind", ["read", "command"])
def test_a_run_that_begins_no_transfer_goes_nowhere_and_takes_its_time(make_bench, kind):
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    for way in (plain, fast):
        way.begin(kind, SINGLE, 4, 3 << 8)
        way.bench.wait(1000)
        if kind == "read":
            way.read(DR)
        way.read(SR)
    assert fast.bench.soc.hot_runs[XSPI2 + DR](bytes(64), plain.bench.time.now + 1000 * CLK)
    for _ in range(16):
        plain.write(DR, 0)
    assert fast.seen() == plain.seen()
    assert fast.bench.xspi.snapshot() == plain.bench.xspi.snapshot()


@pytest.mark.parametrize("before", range(4, 16))
@pytest.mark.parametrize("count", [8, 9, 10, 11, 12])
def test_a_run_fills_the_fifo_as_words_do(make_bench, before, count):
    """The head of a frame in 1S takes 40 clocks, so the FIFO is full before the first byte has left."""
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    for way in (plain, fast):
        way.begin("write", SINGLE, 256, 3 << 8)
        for _ in range(before):
            way.write(DR, 0x5A)
    assert fast.bench.soc.hot_runs[XSPI2 + DR](bytes(4 * count), plain.bench.time.now + 10_000 * CLK)
    for _ in range(count):
        plain.write(DR, 0)
    assert fast.seen() == plain.seen()
    assert fast.bench.xspi.output.snapshot() == plain.bench.xspi.output.snapshot()


@pytest.mark.parametrize("dummies", [0, 3, 4, 5, 8, 12, 31])
@pytest.mark.parametrize("before", [1, 9, 15])
@pytest.mark.parametrize("count", [8, 14])
def test_a_run_behind_a_long_head_waits_for_room_as_words_do(make_bench, dummies, before, count):
    """Words leave as fast as they come, but the head takes longer (64 clocks and the dummies) than a FIFO lasts."""
    plain, fast = Way(make_bench(4 * CLK), fast=False), Way(make_bench(4 * CLK), fast=True)
    for way in (plain, fast):
        way.begin("write", 0x0400_3131, 256, 3 << 8)  # CCR: 32-bit instruction and address on one line, data on eight
        way.write(TCR, dummies)
        for _ in range(before):
            way.write(DR, 0x5A)
    assert fast.bench.soc.hot_runs[XSPI2 + DR](bytes(4 * count), plain.bench.time.now + 10_000 * CLK)
    for _ in range(count):
        plain.write(DR, 0)
    assert fast.seen() == plain.seen()
    assert fast.bench.xspi.output.snapshot() == plain.bench.xspi.output.snapshot()


def test_a_run_that_ends_an_odd_write_in_8d_leaves_the_last_byte_behind(make_bench):
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    for way in (plain, fast):
        way.begin("write", OCTAL_DTR, 65, 3 << 8)
        way.write(DR, 0x5A, 1)
    assert fast.bench.soc.hot_runs[XSPI2 + DR](bytes(64), plain.bench.time.now + 1000 * CLK)
    for _ in range(16):
        plain.write(DR, 0)
    for way in (plain, fast):
        way.bench.wait(1000)
        assert way.read(SR) & BUSY
    assert fast.bench.xspi.snapshot() == plain.bench.xspi.snapshot()


@pytest.mark.parametrize("flags", [0, 1])
def test_from_the_65th_look_without_news_a_program_waits_whatever_the_width_of_its_looks(make_bench, flags):
    way = Way(make_bench(CLK), fast=True)
    way.begin("write", OCTAL, 64, 3 << 8)
    way.write(DR, 0)
    way.bench.xspi.flags = flags
    begun = way.bench.time.now
    for _ in range(65):  # a look by bytes counts when the word before it showed the same
        assert way.read(SR) & FTF
        assert way.read(SR, 1) & FTF
    assert way.bench.time.now == begun + (130 + 2) * CLK  # 128 since the first: a 64th of that


@pytest.mark.parametrize("flags", [0, 1])
def test_a_second_look_at_data_that_nobody_takes_waits_for_the_end(make_bench, flags):
    way = Way(make_bench(), fast=True)
    way.begin("read", OCTAL, 64, 3 << 8)
    begun = way.bench.time.now
    way.read(DR)
    way.bench.xspi.flags = flags
    assert way.read(SR) == BUSY | FTF | flags | 4 << 8
    assert way.bench.time.now == begun + (5 + 8) * CLK
    assert way.read(SR, 1) == BUSY | FTF | TCF | flags
    assert way.bench.time.now == begun + (5 + 64) * CLK


def test_without_its_clock_a_transfer_stands_still_on_the_fast_way_too(make_bench):
    way = Way(make_bench(), fast=True)
    way.begin("read", OCTAL, 64, 3 << 8)
    way.read(DR)
    way.bench.w(*NO_KERNEL_CLOCK)
    assert way.read(SR) == BUSY
    way = Way(make_bench(), fast=True)
    way.begin("write", OCTAL, 100, 3 << 8)
    way.write(DR, 0)
    way.bench.w(*NO_KERNEL_CLOCK)
    now = way.bench.time.now
    for _ in range(24):
        way.write(DR, 0)
    assert way.bench.time.now == now  # nobody takes them, so there is no full FIFO to wait for
    assert len(way.bench.xspi.output.sent) == 4


# ---- how fast ------------------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch, make_bench):
    """A bench whose plain ways note who came."""
    taken = []

    def noting(plain):
        def access(xspi, address, *rest):
            if address & 0x3FF != SR:
                taken.append(address & 0x3FF)
            return plain(xspi, address, *rest)

        return access

    def look(xspi, plain=Xspi.look):
        taken.append(SR)
        return plain(xspi)

    monkeypatch.setattr(Xspi, "read", noting(Xspi.read))
    monkeypatch.setattr(Xspi, "write", noting(Xspi.write))
    monkeypatch.setattr(Xspi, "look", look)
    way = Way(make_bench(CLK), fast=True)
    way.taken = taken
    return way


def test_only_the_ends_of_a_page_of_data_take_the_plain_way(counted):
    counted.taken.clear()
    counted.begin("write", OCTAL, 256, 3 << 8)
    assert counted.taken == [CR]  # the first one has no EN
    counted.taken.clear()
    for _ in range(64):
        assert counted.read(SR) & FTF
        counted.write(DR, 0)
    assert counted.taken == [DR, DR]  # the first begins the transfer, the last ends it


@pytest.mark.parametrize("pages", [1, 4])
def test_only_the_first_word_of_a_page_in_runs_takes_the_plain_way(counted, pages):
    counted.begin("write", OCTAL, 64 * pages, 3 << 8)
    counted.taken.clear()
    take = counted.bench.soc.hot_runs[XSPI2 + DR]
    for _ in range(pages):
        assert take(bytes(64), counted.bench.time.now + 1000 * CLK)
    assert counted.taken == [DR]  # the first begins the transfer


def test_only_the_ends_of_a_read_take_the_plain_way(counted):
    counted.bench.wait(1000)
    counted.begin("read", OCTAL, 256, 31 << 8)
    counted.taken.clear()
    for _ in range(8):
        while not counted.read(SR) & FTF:
            pass
        for _ in range(8):
            counted.read(DR)
    # the first burst is waited for; behind the last word of each nothing is known to be there; the last one ends it
    assert counted.taken == [SR, SR] + 7 * [DR] + [SR, DR]


def test_a_last_byte_alone_leaves_the_word_before_it_to_the_fast_way(counted):
    counted.begin("read", OCTAL, 5, 0)
    counted.bench.wait(100)
    counted.read(SR)
    counted.taken.clear()
    assert counted.read(DR) == 0x0302_0100
    assert counted.taken == []
    counted.begin("write", OCTAL, 9, 0)
    counted.write(DR, 0)
    counted.taken.clear()
    counted.write(DR, 0)
    assert counted.taken == []


def test_a_command_is_set_up_and_looked_at_the_fast_way(counted):
    counted.write(CR, 1)
    counted.taken.clear()
    for offset in (FCR, DLR, PSMKR, PSMAR, PIR, TCR):
        counted.write(offset, 0)
        assert counted.read(SR) == FTF
    counted.write(CCR, NO_DATA[OCTAL])
    assert counted.taken == []
    counted.write(IR, 6)
    counted.write(AR, 0)
    counted.taken.clear()
    assert counted.read(SR) == BUSY | FTF
    assert counted.taken == []


def test_looks_at_polls_take_the_fast_way_until_one_matches(counted):
    counted.begin("busy", OCTAL, 1, 0)  # WIP falls 700 CLK on
    counted.taken.clear()
    looks = 1
    while not counted.read(SR) & SMF:
        looks += 1
    assert looks == 3  # at once; until the poll that WIP falls in, which does not see it; until the next
    assert counted.taken == []


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize(("offset", "value"), [(FCR, 0), (DLR, 7), (CR, 1), (TCR, 0), (DR, None), (CCR, None)])
def test_looks_between_accesses_are_never_held_up(make_bench, mode, offset, value, fast):
    way = Way(make_bench(CLK), fast)
    way.write(CR, mode << 28 | 1)
    begun = way.bench.time.now
    for _ in range(200):
        if value is None:
            way.read(offset)
        else:
            way.write(offset, value | (mode << 28 if offset == CR else 0))
        way.read(SR)
    assert way.bench.time.now == begun + 400 * CLK


@pytest.mark.parametrize("size", [1, 4])
def test_looks_between_words_of_data_are_never_held_up(make_bench, size):
    way = Way(make_bench(CLK), fast=True)
    way.begin("write", OCTAL, 4000, 3 << 8)
    way.write(DR, 0)
    begun = way.bench.time.now
    for _ in range(500):
        way.read(SR, size)
        way.bench.wait(4)  # a word leaves
        way.write(DR, 0)
    assert way.bench.time.now == begun + 500 * 6 * CLK


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(("mode", "offset"), [(0, IR), (0, AR), (1, IR)])
def test_looks_between_writes_that_start_nothing_are_never_held_up(make_bench, mode, offset, fast):
    way = Way(make_bench(CLK), fast)
    way.write(CR, mode << 28 | 1)
    way.write(CCR, OCTAL)
    begun = way.bench.time.now
    for _ in range(200):
        way.write(offset, 0xEC)
        way.read(SR)
    assert way.bench.time.now == begun + 400 * CLK


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("offset", [IR, AR])
@pytest.mark.parametrize("size", [1, 2])
def test_a_narrow_write_leaves_the_rest_of_a_register_that_starts_transfers(make_bench, offset, size, fast):
    way = Way(make_bench(), fast)
    way.write(CCR, OCTAL)
    way.write(offset, 0x4433_2211)
    way.write(offset, 0x77, size)
    assert way.read(offset) & 0xFF == 0x77
    assert way.read(offset) >> 8 * size == 0x4433_2211 >> 8 * size


def test_a_look_beyond_the_horizon_costs_no_more_than_the_plain_one(make_bench):
    found = []
    for fast in (False, True):
        way = Way(make_bench(CLK), fast)
        way.begin("read", OCTAL, 200, 31 << 8)
        way.bench.wait(40)
        for _ in range(8):
            way.read(DR)
        way.bench.soc.horizon = way.bench.time.now + 3 * CLK  # long before there are 32 bytes again
        found.append([(way.read(SR), way.bench.time.now - way.bench.soc.horizon) for _ in range(80)])
    assert found[0] == found[1]


@pytest.mark.parametrize("interval", [0, 1000])
def test_polls_looked_at_are_the_same_to_the_journal_and_at_the_horizon(make_bench, interval):
    found = []
    for fast in (False, True):
        way = Way(make_bench(CLK), fast)
        way.write(PIR, interval)
        way.begin("busy", OCTAL, 4, 0)  # WIP falls 2800 CLK on
        way.bench.wait(300)
        first = way.read(SR), way.bench.xspi.snapshot()["poller"]
        way.read(DR)
        way.bench.soc.horizon = way.bench.time.now + 4 * CLK  # with the long interval no poll ends before
        looks = [(way.read(SR), way.bench.time.now - way.bench.soc.horizon) for _ in range(80)]
        found.append((first, looks, way.bench.xspi.snapshot()["poller"]))
    assert found[0] == found[1]
    assert found[0][0][0] == BUSY | FTF
    assert found[0][0][1]["seen"] == (1 if interval else (301 - 9) // (9 + 2) + 1)  # 9 CLK, NCS high for 2


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(("early", "shown"), [(1, BUSY | FTF), (0, BUSY | FTF | SMF)])
def test_a_first_look_at_the_end_of_a_poll_that_matches_shows_it(make_bench, early, shown, fast):
    way = Way(make_bench(CLK), fast)
    way.begin("busy", OCTAL, 4, 0)  # WIP falls 2800 CLK on, 8 accesses before the first poll; each takes 5 + 4 and 2
    begun = way.bench.time.now
    assert (2800 - 8) % 11 == 9  # so while NCS is high: the next poll is the first to see it
    way.bench.time.now = begun + (2792 // 11 + 1) * 11 * CLK + 9 * CLK - CLK - early
    assert way.read(SR) == shown


def test_looks_at_a_mapped_controller_after_a_read_whose_end_nobody_saw(make_bench):
    """NCS rises by the time-out while nobody looks; BUSY stays, as it was accessed (RM0456 30.4.15)."""
    plain, fast = Way(make_bench(CLK), fast=False), Way(make_bench(CLK), fast=True)
    for way in (plain, fast):
        way.bench.fake.answer = bytes(4)
        way.write(CR, 1)
        way.write(CCR, SINGLE)
        way.write(0x130, 1)  # LPTR
        way.write(CR, 0x3000_0009)
        for flags in (0, TOF):  # the second time it is still there from the first
            assert [way.read(SR), way.read(SR)] == [flags, flags]
            way.bench.soc.read(0x7000_0000, 4)
            way.bench.wait(1000)
            way.bench.soc.settle(way.bench.time.now)
            assert way.read(SR) == BUSY | TOF
            assert way.read(SR) == BUSY | TOF
            way.write(CR, 0)
            way.write(CR, 0x3000_0009)
    assert fast.seen() == plain.seen()


@pytest.mark.parametrize("timeout", [0, 8])
@pytest.mark.parametrize("touched", [True, False])
def test_looks_at_a_mapped_controller_take_the_same_time(make_bench, touched, timeout):
    plain, fast = Way(make_bench(4 * CLK), fast=False), Way(make_bench(4 * CLK), fast=True)
    shown = []
    for way in (plain, fast):
        soc = way.bench.soc
        way.bench.fake.answer = bytes(4)
        way.write(CR, 1)
        way.write(CCR, SINGLE)
        way.write(0x130, 64)  # LPTR
        way.write(CR, 0x3000_0001 | timeout)
        if touched:
            soc.read(0x7000_0000, 4)
        shown.append([])
        for number in range(300):
            soc.horizon = way.bench.time.now + 1000 if number == 250 else 1 << 62
            if number == 200:
                way.write(FCR, 0x10)  # CTOF
            shown[-1].append((way.read(SR), way.bench.time.now, way.bench.xspi.seen))
    assert shown[0] == shown[1]
    values = [value for value, *_ in shown[1]]
    assert (values[0] & 0x20, values[199] & 0x10) == (0x20 * touched, 0x10 * bool(touched and timeout))
    assert shown[1][199][1] - shown[1][198][1] > 4 * CLK
