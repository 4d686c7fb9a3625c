"""The target's side of SW-DP (IHI 0031, B2 and B4)."""

from __future__ import annotations

from typing import Any

import pytest

from n6prog.sim.dap.dp import Ack
from tests.sim.dap.conftest import BASE, HOLE, PIT

STICKYORUN, STICKYCMP, STICKYERR, READOK, WDATAERR = 0x02, 0x10, 0x20, 0x40, 0x80


def flags(wire: Any) -> int:
    ack, value = wire.dp.read_dp(4, 0)
    assert ack is Ack.OK
    return int(value) & 0xF2


def test_without_power_nothing_answers(wire_with: Any) -> None:
    wire = wire_with(powered=False)
    assert wire.dp.read_dp(0, 0) == (Ack.NONE, 0)
    assert wire.dp.write_dp(4, 0, 0) is Ack.NONE
    assert wire.dp.read_ap(1, 0xFC) == (Ack.NONE, 0)
    assert wire.dp.write_ap(1, 4, 0) is Ack.NONE


def test_identity_and_banks(wire: Any) -> None:
    assert wire.dp.read_dp(0, 0) == (Ack.OK, 0x6BA0_2477)
    assert wire.dp.read_dp(4, 3) == (Ack.OK, 0x1)  # DLPIDR: SWD protocol version 2
    wire.dp.write_dp(4, 0x0000_0100, 1)  # DLCR.TURNROUND = 2 cycles
    assert wire.dp.read_dp(4, 1)[1] & 0x300 == 0x100


def test_power_up_requests_are_acknowledged_and_withdrawn(wire: Any) -> None:
    assert wire.dp.read_dp(4, 0)[1] & 0xF000_0000 == 0xF000_0000
    wire.dp.write_dp(4, 0x1000_0000, 0)
    assert wire.dp.read_dp(4, 0)[1] & 0xF000_0000 == 0x3000_0000


def test_sticky_flags_cannot_be_written_through_ctrl_stat(wire: Any) -> None:
    wire.dp.write_dp(4, 0x5000_00B2, 0)  # read-only in an SW-DP
    assert flags(wire) == 0


def test_an_access_port_without_debug_power_faults_and_says_so(wire: Any) -> None:
    wire.dp.write_dp(4, 0, 0)
    assert wire.dp.read_ap(1, 0xFC)[0] is Ack.FAULT
    assert flags(wire) & STICKYERR


def test_ports_that_do_not_exist_read_zero_and_swallow_writes(wire: Any) -> None:
    assert wire.dp.read_ap(2, 0xFC) == (Ack.OK, 0)
    assert wire.dp.read_ap(255, 0xFC) == (Ack.OK, 0)
    assert wire.dp.write_ap(2, 0x0C, 1) is Ack.OK
    assert flags(wire) & ~READOK == 0


def test_a_sticky_error_faults_all_but_dpidr_ctrl_stat_and_abort(wire: Any) -> None:
    wire.tar(HOLE)
    assert wire.dp.read_ap(1, 0x0C)[0] is Ack.FAULT
    assert wire.dp.read_ap(1, 0x00)[0] is Ack.FAULT
    assert wire.dp.read_ap(0, 0xFC)[0] is Ack.FAULT
    assert wire.dp.read_dp(0xC, 0)[0] is Ack.FAULT
    assert wire.dp.write_dp(8, 0, 0) is Ack.FAULT
    assert wire.dp.write_dp(4, 0x5000_0000, 0) is Ack.FAULT
    assert wire.dp.read_dp(0, 0)[0] is Ack.OK
    assert flags(wire) & STICKYERR
    assert wire.dp.write_dp(0, 0x04, 0) is Ack.OK  # STKERRCLR
    assert flags(wire) == 0
    assert wire.dp.read_ap(1, 0xFC) == (Ack.OK, 0x8477_0001)


@pytest.mark.parametrize(("bit", "flag"), [(2, STICKYCMP), (4, STICKYERR), (8, WDATAERR), (16, STICKYORUN)])
def test_abort_clears_each_flag_by_its_own_bit(wire: Any, bit: int, flag: int) -> None:
    wire.dp.sticky = STICKYCMP | STICKYERR | WDATAERR | STICKYORUN
    wire.dp.write_dp(0, bit, 0)
    assert flags(wire) == (STICKYCMP | STICKYERR | WDATAERR | STICKYORUN) & ~flag


def test_a_closed_port_faults_transfers_and_shows_its_registers(wire: Any) -> None:
    wire.open = False
    assert wire.dp.read_ap(1, 0xFC) == (Ack.OK, 0x8477_0001)
    assert wire.dp.read_ap(1, 0x00)[1] & 0x0080_0040 == 0  # SDeviceEn and DeviceEn
    wire.tar(BASE)
    assert wire.dp.write_ap(1, 0x0C, 1) is Ack.FAULT
    assert wire.ram.accesses == []


def test_an_access_that_never_ends_is_waited_for_until_it_is_aborted(wire: Any) -> None:
    wire.tar(PIT)
    assert wire.dp.read_ap(1, 0x0C)[0] is Ack.WAIT
    assert wire.dp.read_ap(0, 0xFC)[0] is Ack.WAIT  # the whole DP waits
    assert wire.dp.read_dp(0xC, 0)[0] is Ack.WAIT
    assert flags(wire) & ~READOK == 0
    wire.dp.write_dp(0, 1, 0)  # DAPABORT
    assert wire.dp.read_ap(0, 0xFC) == (Ack.OK, 0x5477_0002)
    assert wire.dp.read_ap(1, 0xFC)[0] is Ack.WAIT  # only power helps this one


def test_overrun_detection_turns_wait_and_fault_into_a_sticky_flag(wire: Any) -> None:
    wire.dp.write_dp(4, 0x5000_0001, 0)
    wire.tar(PIT)
    assert wire.dp.read_ap(1, 0x0C)[0] is Ack.WAIT
    assert flags(wire) & STICKYORUN
    wire.dp.write_dp(0, 0x11, 0)  # DAPABORT, ORUNERRCLR
    assert flags(wire) & STICKYORUN == 0


def test_without_overrun_detection_a_wait_leaves_no_trace(wire: Any) -> None:
    wire.tar(PIT)
    wire.dp.read_ap(1, 0x0C)
    assert flags(wire) & STICKYORUN == 0


def test_rdbuff_and_resend_give_the_last_value_again(wire: Any) -> None:
    wire.ram.data[0:8] = bytes.fromhex("78563412 f0debc9a")
    wire.tar(BASE)
    assert wire.dp.read_ap(1, 0x0C)[1] == 0x1234_5678
    assert wire.dp.read_dp(0xC, 0) == (Ack.OK, 0x1234_5678)
    assert wire.dp.read_dp(8, 0) == (Ack.OK, 0x1234_5678)
    assert wire.dp.ports[1].tar == BASE + 4  # neither of them moves on


def test_readok_tells_how_the_last_ap_read_went(wire: Any) -> None:
    wire.dp.read_ap(1, 0xFC)
    assert flags(wire) & READOK
    wire.tar(HOLE)
    wire.dp.read_ap(1, 0x0C)
    assert flags(wire) & READOK == 0


def test_pushed_verify_reports_the_first_difference(wire: Any) -> None:
    wire.ram.data[0:8] = bytes.fromhex("11000000 22000000")
    wire.tar(BASE)
    wire.dp.write_dp(4, 0x5000_0F04, 0)  # TRNMODE 1, all lanes
    assert wire.dp.write_ap(1, 0x0C, 0x11) is Ack.OK
    assert flags(wire) & STICKYCMP == 0
    assert wire.dp.write_ap(1, 0x0C, 0x23) is Ack.OK
    assert flags(wire) & STICKYCMP
    assert wire.ram.data[4] == 0x22  # compared, not written
    assert wire.dp.write_ap(1, 0x0C, 0) is Ack.FAULT


def test_pushed_compare_finds_a_match_in_the_lanes_of_its_mask(wire: Any) -> None:
    wire.ram.data[0:8] = bytes.fromhex("aa010000 aa020000")
    wire.tar(BASE)
    wire.dp.write_dp(4, 0x5000_0208, 0)  # TRNMODE 2, MASKLANE: byte 1 only
    wire.dp.write_ap(1, 0x0C, 0x0200)
    assert flags(wire) & STICKYCMP == 0
    wire.dp.write_ap(1, 0x0C, 0x0200)
    assert flags(wire) & STICKYCMP


def test_the_transaction_counter_repeats_one_write(wire: Any) -> None:
    wire.tar(BASE)
    wire.dp.write_dp(4, 0x5000_3000, 0)  # TRNCNT 3: four transfers
    wire.dp.write_ap(1, 0x0C, 0xA5A5_A5A5)
    assert wire.ram.data[:20] == b"\xa5" * 16 + bytes(4)
    assert wire.dp.read_dp(4, 0)[1] & 0x00FF_F000 == 0
    wire.dp.write_ap(1, 0x0C, 0x5A5A_5A5A)
    assert wire.ram.data[16:24] == b"\x5a" * 4 + bytes(4)


def test_the_state_survives_a_snapshot(wire: Any, wire_with: Any) -> None:
    wire.tar(BASE + 8, 0x0B00_0010)
    wire.dp.write_dp(8, 0x0100_00F0, 0)
    wire.dp.read_ap(1, 0xFC)
    other = wire_with()
    other.dp.restore(wire.dp.snapshot())
    assert other.dp.snapshot() == wire.dp.snapshot()
    assert other.dp.ports[1].tar == BASE + 8
    with pytest.raises(TypeError):
        other.dp.restore({"dp": [0, 0], "ports": {}})
