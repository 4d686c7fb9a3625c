"""Functions called over the link on the simulated board: arguments, stacks, faults, time-outs."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("unicorn")

from n6prog.errors import FlashFailure
from n6prog.link import Link
from n6prog.targets import chip
from tests.helpers.sim_link import ADD_FOUR, CODE, STACK, load

PUSH_POP = (0xB510, 0x2007, 0xBD10)  # push {r4,lr}; movs r0,#7; pop {r4,pc}
LOAD = (0x6800, 0x4770)  # ldr r0,[r0]; bx lr
UNDEFINED = (0xDE00,)  # udf #0
FOREVER = (0xE7FE,)  # b .


def test_a_function_is_called_with_its_arguments(link: Link) -> None:
    entry = load(link, *ADD_FOUR)
    assert link.call(entry, 1, 2, 3, 4, stack=STACK, timeout=1.0) == 10
    assert link.call(entry, 0xFFFF_FFFF, 2, 0, 0, stack=STACK, timeout=1.0) == 1


def test_stack_limits_left_by_the_boot_rom_do_not_stop_a_push(link: Link) -> None:
    link.halt()
    assert link.target.read_core_register("msplim_s") > STACK
    entry = load(link, *PUSH_POP)
    assert link.call(entry, stack=STACK, timeout=1.0) == 7
    assert link.target.read_core_register("msplim_s") == 0


def test_a_stack_of_ones_own_can_be_given_each_time(link: Link) -> None:
    entry = load(link, *PUSH_POP)
    for top in (STACK, STACK - 0x100, STACK):
        link.write(top - 8, bytes(8))
        link.call(entry, stack=top, timeout=1.0)
        assert link.read32(top - 4) == CODE | 1  # the return address, pushed


def test_a_bus_error_is_told_with_address_and_instruction(link: Link) -> None:
    entry = load(link, *LOAD)
    with pytest.raises(FlashFailure) as caught:
        link.call(entry, 0x3E00_0000, stack=STACK, timeout=1.0, name="probe")
    found = caught.value.findings[0]
    assert (found.code, found.exit_code, found.subject) == ("E-LOADER-FAULT", 6, "probe")
    assert found.evidence["BFAR"] == "0x3e000000"
    assert found.evidence["PC"] == f"{CODE + 4:#010x}"
    assert "bus error on a data access at 0x3e000000" in found.text
    assert link.call(load(link, *ADD_FOUR), 1, 1, 1, 1, stack=STACK, timeout=1.0) == 4  # and life goes on


def test_an_undefined_instruction_is_told(link: Link) -> None:
    with pytest.raises(FlashFailure) as caught:
        link.call(load(link, *UNDEFINED), stack=STACK, timeout=1.0)
    assert "undefined instruction" in caught.value.findings[0].text


def test_code_that_does_not_return_ends_at_its_time_out(link: Link) -> None:
    entry, before = load(link, *FOREVER), link.now()
    with pytest.raises(FlashFailure) as caught:
        link.call(entry, stack=STACK, timeout=0.5, name="wait")
    assert 0.5 <= link.now() - before < 0.7
    found = caught.value.findings[0]
    assert found.code == "E-LOADER-TIMEOUT"
    assert found.evidence["PC"] == f"{CODE + 4:#010x}"
    assert link.call(load(link, *ADD_FOUR), 2, 2, 2, 2, stack=STACK, timeout=1.0) == 8


def test_what_is_expected_to_take_long_costs_few_probe_commands(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    # subs r0,#1; bne .-2; bx lr: 2 instructions a round; 64 MHz at 1.3 cycles each makes 41 ms of a million rounds
    entry = load(link, 0x3801, 0xD1FD, 0x4770)
    link.call(entry, 1, stack=STACK, timeout=1.0)
    reads = []
    core = link.target.cores[0]
    real = core.read32

    def counted(address: int, **options: Any) -> Any:
        reads.append(address)
        return real(address, **options)

    monkeypatch.setattr(core, "read32", counted)
    link.call(entry, 1_000_000, stack=STACK, timeout=5.0, expect=0.041)
    assert reads.count(chip.DHCSR) <= 8
