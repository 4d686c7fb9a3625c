"""The borrowed flash port: what it refuses, and that it puts back what it changed when something goes wrong."""

from __future__ import annotations

import pytest

from n6prog.doctor import borrow
from n6prog.doctor.borrow import FlashPort, NotNow
from n6prog.targets import chip
from n6prog.targets.schema import load_board

from .conftest import BOARD, Case
from .test_leaves_as_found import state


def test_a_command_of_firmware_under_way_is_not_interrupted(case: Case) -> None:
    with case.link() as link:
        link.write32(chip.RCC + 0xA60, chip.RCC_AHB5_XSPIM | chip.RCC_AHB5_XSPI2)
        for register, value in ((0x008, 0x0119_0100), (0x000, 0x1000_0301), (0x040, 0xFFFF), (0x100, 0x0100_0001)):
            link.write32(chip.XSPI2 + register, value)
        link.write32(chip.XSPI2 + 0x110, 0x9F)  # RDID without end: the FIFO fills and the port stays BUSY
        before = link.read32(chip.XSPI2)
        with pytest.raises(NotNow, match="under way"), FlashPort(link, load_board(BOARD)):
            pass
        assert link.read32(chip.XSPI2) == before
    check = case.doctor("--connect", "halt").checks["NOR"]
    assert (check["verdict"], check["evidence"]["XSPI_CR"]) == ("not checked", "0x10000301")
    assert case.flash().code == 0


def test_a_port_at_work_for_another_xspi_is_left_to_it(case: Case) -> None:
    with case.link() as link:
        link.write32(chip.RCC + 0xA60, chip.RCC_AHB5_XSPIM | chip.RCC_AHB5_XSPI1)
        link.write32(chip.XSPIM, 2)
        for register, value in ((0x008, 0x0119_0100), (0x000, 0x1000_0301), (0x040, 0xFFFF), (0x100, 0x0100_0001)):
            link.write32(chip.XSPI1 + register, value)
        link.write32(chip.XSPI1 + 0x110, 0x9F)
    before = state(case)
    check = case.doctor("--connect", "halt").checks["NOR"]
    assert check["verdict"] == "not checked"
    assert check["evidence"]["XSPIM_CR"] == "0x00000002"
    assert state(case) == before
    assert case.flash().code == 0


def test_a_read_that_never_ends_gives_the_port_back(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Octal DTR with DQS, which a NOR in 1S never strobes: the read is given up, and all is as it was."""
    monkeypatch.setitem(borrow._LINES, "8D", (0x2C00_001C, 0x0000_3C00, 1 << 28))
    before = state(case)
    with (
        case.link("attach") as link,
        pytest.raises(NotNow, match="does not deliver"),
        FlashPort(link, load_board(BOARD)) as port,
    ):
        port.read("8D", 0x9F, 12, address=0, dummy=4)
    assert state(case) == before
