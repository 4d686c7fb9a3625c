"""USART1 and LPUART1 through their registers, as HAL drives them.

Frame times by hand: 32 MHz kernel clock, BRR 278 -> 278/32e6 s = 8.6875 us a bit, 86.875 us for 8N1.
"""

from __future__ import annotations

import json

import pytest

from n6prog.sim.soc.irq import NEVER

USART1, LPUART1 = 0x5200_1000, 0x5600_0C00
CR1, CR2, CR3, BRR, RQR, ISR, ICR, RDR, TDR, PRESC = 0x00, 0x04, 0x08, 0x0C, 0x18, 0x1C, 0x20, 0x24, 0x28, 0x2C
BIT = 8_687_500
FRAME = 10 * BIT
TXE, TC, RXNE, ORE, IDLE, TEACK, REACK = 0x80, 0x40, 0x20, 8, 0x10, 1 << 21, 1 << 22
FIFOEN = 1 << 29


class Port:
    def __init__(self, chip, base, uart):
        self.chip, self.base, self.uart = chip, base, uart

    def r(self, offset):
        return self.chip.r(self.base + offset)

    def w(self, offset, value):
        self.chip.w(self.base + offset, value)

    @property
    def now(self):
        return self.chip.time.now

    def wait(self, picoseconds):
        self.chip.time.advance(picoseconds)


@pytest.fixture
def port(cold):
    cold.w(0x5602_8A6C, 0x10)  # APB2ENSR: USART1
    port = Port(cold, USART1, cold.soc.uart)
    port.w(BRR, 278)
    port.w(CR1, 0x0D)  # UE, RE, TE
    return port


@pytest.fixture
def fifo(port):
    port.w(CR1, 0)
    port.w(CR1, FIFOEN | 0x0D)
    return port


def test_after_reset_the_transmitter_is_empty_and_nothing_is_acknowledged(cold):
    cold.w(0x5602_8A6C, 0x10)
    assert cold.r(USART1 + ISR) == 0xC0


def test_enabled_sides_are_acknowledged(port):
    assert port.r(ISR) & (TEACK | REACK) == TEACK | REACK
    port.w(CR1, 0x09)
    assert port.r(ISR) & (TEACK | REACK) == TEACK


def test_a_byte_is_sent_and_takes_a_frame(port):
    port.w(TDR, 0x41)
    assert port.uart.sent == b"A"
    assert port.r(ISR) & (TXE | TC) == TXE  # it went on to the shift register
    port.wait(FRAME - 1)
    assert not port.uart._status(port.now) & TC
    port.wait(1)
    assert port.r(ISR) & (TXE | TC) == TXE | TC


def test_a_second_byte_waits_in_the_data_register_and_a_third_is_lost(port):
    start = port.now
    for byte in b"xyz":
        port.w(TDR, byte)
    assert not port.r(ISR) & TXE
    assert port.uart.sent == b"xy"
    while not port.r(ISR) & TC:
        pass
    assert port.now == start + 2 * FRAME


def test_polled_output_takes_the_time_of_its_frames_in_few_polls(port):
    start, polls = port.now, 0
    for byte in bytes(100):
        while not port.r(ISR) & TXE:
            polls += 1
        port.w(TDR, byte)
    while not port.r(ISR) & TC:
        polls += 1
    assert port.now == start + 100 * FRAME
    assert polls <= 100 * 3  # 32, 64 and the rest of 87 us


def test_status_reads_far_apart_do_not_move_the_clock(port):
    port.w(TDR, 0)
    start = port.now
    for count in range(1, 4):
        port.wait(6_000_000)
        port.r(ISR)
        assert port.now == start + count * 6_000_000


def test_waiting_for_input_that_never_comes_passes_time(port):
    start, polls = port.now, 0
    while port.now < start + 10**12:  # a second
        port.r(ISR)
        polls += 1
    assert polls < 100_000


@pytest.mark.parametrize(
    ("cr1", "cr2", "halves"),
    [
        (0, 0, 20),  # 8N1
        (0, 2 << 12, 22),  # two stop bits
        (1 << 12, 0, 22),  # nine bits
        (1 << 28, 0, 18),  # seven bits
        (0, 3 << 12, 21),  # one and a half
    ],
)
def test_a_frame_counts_start_word_and_stop_bits(port, cr1, cr2, halves):
    port.w(CR1, 0)
    port.w(CR2, cr2)
    port.w(CR1, 0x0D | cr1)
    assert port.uart.frame() == halves * BIT // 2


def test_oversampling_by_8_halves_the_divider(port):
    port.w(CR1, 0)
    port.w(BRR, 0x0115)  # USARTDIV 0x11A = 282: upper digits as they are, the last one shifted right
    port.w(CR1, 0x800D)
    assert port.uart.bit() == 282 * 10**12 // 2 // 32_000_000


def test_the_prescaler_divides_the_kernel_clock(port):
    port.w(CR1, 0)
    port.w(PRESC, 4)  # by 8
    port.w(CR1, 0x0D)
    assert port.uart.bit() == 8 * BIT


def test_the_bit_rate_follows_the_clock_select(port):
    port.chip.w(0x5602_8174, 6)  # CCIPR13 USART1SEL: HSI, 64 MHz
    assert port.uart.bit() == BIT // 2
    port.chip.w(0x5602_8174, 2)  # IC9, which is off
    assert port.uart.bit() == 0


def test_the_bit_rate_is_set_while_the_uart_is_off(port):
    port.w(BRR, 100)
    assert port.r(BRR) == 278
    port.w(CR1, FIFOEN | 0x0D)
    assert not port.r(CR1) & FIFOEN


def test_nothing_is_sent_without_transmitter_or_bit_rate(port):
    port.w(CR1, 0x05)
    port.w(TDR, 0x41)
    port.w(CR1, 0)
    port.w(BRR, 0)
    port.w(CR1, 0x0D)
    port.w(TDR, 0x42)
    port.wait(10**12)
    assert port.uart.sent == b""
    assert not port.uart._status(port.now) & TC


def test_switching_it_off_forgets_what_was_under_way(port):
    port.w(TDR, 0x41)
    port.w(CR1, 0)
    assert port.r(ISR) == 0xC0


def test_a_seven_bit_word_has_no_eighth_bit(port):
    port.w(CR1, 0)
    port.w(CR1, 1 << 28 | 0x0D)
    port.w(TDR, 0xC1)
    assert port.uart.sent == b"\x41"


def test_received_bytes_arrive_a_frame_apart(port):
    port.uart.receive(b"ok", port.now)
    port.wait(FRAME - 1)
    assert not port.r(ISR) & RXNE
    port.wait(1)
    assert port.r(ISR) & RXNE
    assert port.r(RDR) == ord("o")
    assert not port.r(ISR) & RXNE
    port.wait(FRAME)
    assert port.r(RDR) == ord("k")


def test_a_byte_that_finds_the_register_full_is_lost_and_told(port):
    port.uart.receive(b"abc", port.now)
    port.wait(3 * FRAME)
    assert port.r(ISR) & (RXNE | ORE) == RXNE | ORE
    assert port.r(RDR) == ord("a")
    assert port.r(ISR) & (RXNE | ORE) == ORE
    port.w(ICR, 1 << 3)
    assert not port.r(ISR) & ORE


def test_without_overrun_detection_the_newest_byte_stays(port):
    port.w(CR3, 1 << 12)
    port.uart.receive(b"abc", port.now)
    port.wait(3 * FRAME)
    assert not port.r(ISR) & ORE
    assert port.r(RDR) == ord("c")


def test_the_fifo_takes_eight(fifo):
    fifo.uart.receive(b"123456789", fifo.now)
    fifo.wait(8 * FRAME)
    assert fifo.r(ISR) & (1 << 24 | ORE) == 1 << 24  # RXFF
    fifo.wait(FRAME)
    assert fifo.r(ISR) & ORE
    assert bytes(fifo.r(RDR) for _ in range(8)) == b"12345678"


def test_the_transmit_fifo_takes_eight_and_one_on_the_line(fifo):
    for byte in b"123456789":
        assert fifo.r(ISR) & TXE
        fifo.w(TDR, byte)
    assert not fifo.uart._status(fifo.now) & (TXE | 1 << 23)
    fifo.wait(FRAME)
    assert fifo.r(ISR) & TXE
    fifo.wait(7 * FRAME)
    assert fifo.r(ISR) & (1 << 23 | TC) == 1 << 23  # TXFE while the last one is on the line


@pytest.mark.parametrize(("code", "count"), [(0, 1), (1, 2), (2, 4), (3, 6), (4, 7), (5, 8)])
def test_receive_threshold(fifo, code, count):
    fifo.w(CR3, code << 25)
    fifo.uart.receive(bytes(8), fifo.now)
    fifo.wait((count - 1) * FRAME)
    assert not fifo.r(ISR) & 1 << 26
    fifo.wait(FRAME)
    assert fifo.r(ISR) & 1 << 26


def test_what_comes_while_the_receiver_is_off_is_lost(port):
    port.w(CR1, 0x09)
    port.uart.receive(b"a", port.now)
    port.wait(FRAME)
    port.w(CR1, 0x0D)
    assert not port.r(ISR) & RXNE


def test_the_line_is_idle_a_frame_after_the_last_byte(port):
    port.uart.receive(b"ab", port.now)
    port.wait(2 * FRAME + FRAME - 1)
    assert not port.r(ISR) & IDLE
    port.wait(1)
    assert port.r(ISR) & IDLE
    port.w(ICR, 1 << 4)
    port.wait(10 * FRAME)
    assert not port.r(ISR) & IDLE


def test_flush_requests_empty_both_sides(fifo):
    fifo.uart.receive(b"ab", fifo.now)
    fifo.wait(2 * FRAME)
    for byte in b"123":
        fifo.w(TDR, byte)
    fifo.w(RQR, 1 << 3 | 1 << 4)
    assert fifo.r(ISR) & (RXNE | 1 << 23) == 1 << 23


def test_tc_is_cleared_by_its_flag_and_comes_back_with_the_next_byte(port):
    port.w(ICR, 1 << 6)
    assert not port.r(ISR) & TC
    port.w(TDR, 0)
    port.wait(FRAME)
    assert port.r(ISR) & TC


def test_lpuart_counts_256ths_of_a_clock(cold):
    cold.w(0x5602_8A74, 1 << 3)  # APB4ENSR1: LPUART1
    port = Port(cold, LPUART1, cold.soc.lpuart)
    port.w(BRR, 71111)  # 256 * 32e6 / 115200
    port.w(CR1, 0x0D)
    assert port.uart.bit() == 71111 * 10**12 // (256 * 32_000_000)
    port.w(TDR, 0x42)
    assert port.uart.sent == b"B"


def test_interrupt_lines_have_the_numbers_of_the_cmsis_header(cold):
    assert (cold.soc.uart.irq, cold.soc.lpuart.irq) == (159, 169)
    assert {159, 169} <= {source.irq for source in cold.soc.irq_sources}


def test_the_receive_interrupt_rises_when_the_byte_is_in(port):
    port.uart.receive(b"a", port.now)
    assert port.uart.next_irq(port.now) == NEVER  # nothing is enabled
    port.w(CR1, 0x2D)  # RXNEIE
    due = port.now + FRAME
    assert port.uart.next_irq(port.now) == due
    assert not port.uart.irq_level(due - 1)
    assert port.uart.irq_level(due)
    port.chip.time.advance_to(due)
    port.r(RDR)
    assert not port.uart.irq_level(due)


def test_the_transmit_interrupts_follow_txe_and_tc(port):
    port.w(CR1, 0x8D)  # TXEIE
    assert port.uart.irq_level(port.now)
    port.w(TDR, 0)
    port.w(TDR, 0)
    assert not port.uart.irq_level(port.now)
    assert port.uart.next_irq(port.now) == port.now + FRAME
    port.w(CR1, 0x4D)  # TCIE
    assert not port.uart.irq_level(port.now + FRAME)
    assert port.uart.irq_level(port.now + 2 * FRAME)


def test_an_enable_tells_the_core(port):
    calls = []
    port.chip.soc.on_irq_changed = lambda: calls.append(1)
    port.w(CR1, 0x8D)
    assert calls


def test_the_state_survives_a_journal(port, make_chip):
    port.w(TDR, 0x41)
    port.uart.receive(b"q", port.now)
    port.wait(FRAME // 2)
    other = make_chip()
    other.time.now = port.now
    other.soc.restore(json.loads(json.dumps(port.chip.soc.snapshot())))
    assert other.soc.uart._status(other.time.now) & (TXE | TC) == TXE
    other.time.advance(FRAME)
    assert other.r(USART1 + ISR) & (TXE | TC) == TXE | TC
    assert other.r(USART1 + BRR) == 278
