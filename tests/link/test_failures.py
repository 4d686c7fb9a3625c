"""What pyOCD and the USB driver raise, in the user's words."""

from __future__ import annotations

import errno
from typing import ClassVar

import pytest

pytest.importorskip("pyocd")

import pyocd  # noqa: F401
import usb.core
from pyocd.core import exceptions

from n6prog.errors import N6ProgError, ProbeBusy, ProbeNotFound, TargetUnreachable
from n6prog.link.failures import Attempt, explained, when_connecting
from n6prog.targets.stm32n657 import CorePortClosed


class Probe:
    """A probe that measures 3.29 V."""

    class _Link:
        target_voltage = 3.2871

    product_name = "STLINK-V3"
    unique_id = "003A0037"
    _link = _Link()


def attempt() -> Attempt:
    return Attempt(Probe(), [8_000_000, 1_000_000])


def explain(error: Exception) -> N6ProgError:
    found = when_connecting(error, attempt())
    assert found is not None
    return found


def test_a_closed_core_port_is_told_with_both_boards_jumpers_and_its_evidence() -> None:
    error = explain(CorePortClosed(0x0001_0003, 0x6BA0_2477, 12, 0.5))
    assert isinstance(error, TargetUnreachable)
    found = error.findings[0]
    assert (found.code, found.exit_code) == ("E-AP1-CLOSED", 5)
    assert dict(found.evidence) == {
        "DPIDR": "0x6BA02477",
        "AP0": "ok",
        "AP1": "closed (12 tries, 500 ms)",
        "DBGMCU_SR.17": 0,
        "voltage": "3.29 V",
        "clocks": "8 MHz and 1 MHz",
    }
    assert "NUCLEO: JP2 (BOOT1) on 2-3. DK: BOOT1 switch on 1-3." in found.cure
    assert "a lower clock will not help" in found.not_this


def test_a_chip_without_our_dbgmcu_is_another_chip() -> None:
    error = explain(CorePortClosed(None, 0x2BA0_1477, 51, 0.5))
    assert error.code == "E-WRONG-CHIP"
    assert "0x2BA01477" in error.findings[0].text


def test_no_answer_on_swd_is_told_with_voltage_and_clocks() -> None:
    error = explain(exceptions.ProbeError("STLink error (9): Get IDCODE error"))
    assert (error.code, error.exit_code) == ("E-NOANSWER", 5)
    evidence = error.findings[0].evidence
    assert (evidence["voltage"], evidence["clocks"]) == ("3.29 V", "8 MHz and 1 MHz")


@pytest.mark.parametrize(
    "raised", [exceptions.DebugError("Target not detected"), exceptions.ProbeError("STLink error (9)")]
)
def test_a_board_without_power_is_told_with_its_voltage_whatever_pyocd_says(raised: Exception) -> None:
    class Unpowered(Probe):
        class _Link:
            target_voltage = 0.0

        _link = _Link()  # type: ignore[assignment]

    found = when_connecting(raised, Attempt(Unpowered(), [1_000_000]))
    assert found is not None
    assert (found.code, found.exit_code) == ("E-NOANSWER", 5)
    assert "no power: 0.00 V" in found.findings[0].text
    assert found.findings[0].evidence["voltage"] == "0.00 V"


def test_a_core_that_cannot_be_found_is_not_a_silent_chip() -> None:
    assert explain(exceptions.DebugError("No cores were discovered!")).code == "E-CONNECT"


def test_a_claimed_usb_interface_is_a_busy_probe_even_deep_in_the_chain() -> None:
    cause = usb.core.USBError("Resource busy", errno=errno.EBUSY)
    assert isinstance(explain(cause), ProbeBusy)
    outer = exceptions.ProbeError("USB Error: Resource busy")
    outer.__cause__ = cause
    error = explain(outer)
    assert (error.code, error.exit_code) == ("E-PROBE-BUSY", 4)
    assert "another program" in error.findings[0].text


def test_the_simulated_boards_lock_names_its_holder() -> None:
    class BoardBusy(Exception):
        holder: ClassVar = {"pid": 4711, "host": "desk", "since": "2026-01-01T00:00:00+00:00", "reason": "n6prog flash"}

    text = explain(BoardBusy()).findings[0].text
    assert "process 4711, on desk, since 2026-" in text
    assert "n6prog flash" in text


def test_missing_rights_are_not_a_missing_probe() -> None:
    error = explain(usb.core.USBError("Access denied", errno=errno.EACCES))
    assert isinstance(error, ProbeNotFound)
    assert error.code == "E-PROBE-ACCESS"
    assert "udev" in error.findings[0].cure


def test_what_is_no_failure_of_the_link_is_not_explained_away() -> None:
    assert when_connecting(KeyError("x"), attempt()) is None


def test_a_refused_access_tells_its_address_and_a_lost_probe_what_was_done() -> None:
    with pytest.raises(TargetUnreachable) as caught, explained(attempt(), "read", 0x3E00_0000, 16):
        raise exceptions.TransferFaultError("read", fault_address=0x3E00_0004, length=4)
    assert caught.value.code == "E-BUS-FAULT"
    assert "0x3e000004" in caught.value.findings[0].text
    with pytest.raises(TargetUnreachable) as caught, explained(attempt(), "write"):
        raise exceptions.ProbeError("USB Error: timeout")
    assert caught.value.code == "E-LINK-LOST"
    assert "write" in caught.value.findings[0].text
