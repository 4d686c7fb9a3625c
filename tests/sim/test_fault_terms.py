"""The grammar of `fault=`."""

from __future__ import annotations

import pytest

from n6prog.sim.fault_terms import TERMS, Fault, as_faults, parse_faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("mute", Fault("mute")),
        ("mute@200ms", Fault("mute", after=200_000_000_000)),
        ("no-wel@#7", Fault("no-wel", transfer=7)),
        ("drop-page:3", Fault("drop-page", 3)),
        ("fail-erase:0x1000", Fault("fail-erase", 0x1000)),
        ("fail-erase@1s:0x1000", Fault("fail-erase", 0x1000, after=10**12)),
        ("power-cut@1.5s", Fault("power-cut", after=1_500_000_000_000)),
        ("power-cut@#1234", Fault("power-cut", transfer=1234)),
        ("power-cut@0.000001s", Fault("power-cut", after=1_000_000)),
        ("flip:1e-3", Fault("flip", 0.001)),
        ("flip@#1", Fault("flip", transfer=1)),
        ("double-flip@50us:0.5", Fault("double-flip", 0.5, after=50_000_000)),
        ("wait:12", Fault("wait", 12)),
        ("wait@1s:5ms", Fault("wait", after=10**12, lasts=5 * 10**9)),
        ("max-clock:8M", Fault("max-clock", 8_000_000)),
        ("max-clock:3300k", Fault("max-clock", 3_300_000)),
        ("max-clock:1.5MHz", Fault("max-clock", 1_500_000)),
        ("wrong-id:c28537", Fault("wrong-id", 0xC28537)),
        ("wrong-id", Fault("wrong-id")),
        ("mid-erase", Fault("mid-erase")),
        ("no-sfdp", Fault("no-sfdp")),
        ("voltage:2.41", Fault("voltage", 2.41)),
        ("boot1@200ms:0", Fault("boot1", 0, after=200_000_000_000)),
        ("wrong-chip:484", Fault("wrong-chip", 0x484)),
        ("life-cycle:0d", Fault("life-cycle", 0x0D)),
        ("chip-reset@#100", Fault("chip-reset", transfer=100)),
        ("poke@1s:0x34000004=00de*3", Fault("poke", 0x3400_0004, after=10**12, data=b"\0\xde\0\xde\0\xde")),
        ("poke@#9:16=01ff", Fault("poke", 16, transfer=9, data=b"\x01\xff")),
        ("firmware:V3J16M6", Fault("firmware", 16 << 8 | 6)),
        ("no-access", Fault("no-access")),
        ("mid-erase:0x20000", Fault("mid-erase", 0x20000)),
    ],
)
def test_a_term_says_what_and_when(text: str, fault: Fault) -> None:
    assert parse_faults(text) == (fault,)


def test_terms_are_joined_by_plus() -> None:
    assert parse_faults("flip@#3+mute+flip@#9") == (Fault("flip", transfer=3), Fault("mute"), Fault("flip", transfer=9))
    assert parse_faults("") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("unplugg@1s", "no fault 'unplugg'; did you mean unplug?"),
        ("gremlins", "no fault 'gremlins'; there are ap1-closed"),
        ("power-cut", "power-cut needs @WHEN: it is written power-cut@WHEN"),
        ("ap1-closed@1s", "ap1-closed takes no @WHEN"),
        ("flip", "needs @WHEN or an argument: it is written flip@WHEN, flip:RATE or flip@WHEN:RATE"),
        ("mute:1", r"is written mute\[@WHEN\]"),
        ("drop-page", "is written drop-page:N"),
        ("drop-page:0", "counted from 1"),
        ("fail-erase:-1", "0 or more"),
        ("fail-erase:many", "'many' is not a number"),
        ("hang@soon", "'soon' is no time"),
        ("hang@1.5", "'1.5' is no time"),
        ("hang@#0", "transfers are counted from 1"),
        ("hang@#x", "'x' is not a number"),
        ("flip:0", "a rate is the share of transfers hit"),
        ("flip:1.5", "at most 1"),
        ("flip:often", "at most 1"),
        ("wait:soon", "'soon' is no time"),
        ("wait:0", "counted from 1"),
        ("max-clock:8", "8 is 8 Hz; did you mean 8M?"),
        ("max-clock:0", "0 is 0 Hz: a link runs at 1 kHz or more"),
        ("max-clock:0.5k", "is 500 Hz: a link"),
        ("max-clock:\u0663M", "is no clock"),
        ("flip@#0x10", "'0x10' is not a number"),
        ("flip@#1_0", "'1_0' is not a number"),
        ("flip@#\u0663", "is not a number"),
        ("power-cut@\u0663s", "is no time"),
        ("drop-page:0x2", "'0x2' is not a number"),
        ("wait:\u0663", "is no time"),
        ("flip:1_0e-3", "a rate is the share"),
        ("fail-erase:1_000", "'1_000' is not a number"),
        ("max-clock:fast", "is no clock"),
        ("wrong-id:c2", "three bytes in hex"),
        ("mute++mute", "no fault ''"),
        ("voltage:low", "is no voltage"),
        ("voltage:-1", "is no voltage"),
        ("boot1@1s:2", "a pin is 0 or 1"),
        ("boot1:0", "boot1 needs @WHEN"),
        ("wrong-chip:12345", "three hex digits"),
        ("life-cycle:ff", "NVSTATE has six bits"),
        ("firmware:16", "is no ST-LINK V3 firmware"),
        ("poke@1s:0x34000004", "say what to write where"),
        ("poke@1s:0x34000004=0", "say what to write where"),
        ("poke@1s:0x34000004=00*0", "1 byte to 1 MiB"),
        ("poke@1s:0x34000004=00*9999999", "1 byte to 1 MiB"),
        ("poke@1s:0xffffffff=0000", "below 4 GiB"),
        ("poke@1s:here=00", "is a number"),
    ],
)
def test_a_bad_term_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_faults(text)


def test_python_takes_terms_as_text_and_as_values() -> None:
    assert as_faults(["mute", Fault("drop-page", 3), "flip@#1+flip@#2"]) == parse_faults(
        "mute+drop-page:3+flip@#1+flip@#2"
    )
    assert as_faults("mute+no-wel") == parse_faults("mute+no-wel")
    with pytest.raises(ValueError, match="did you mean mute"):
        as_faults([Fault("mut")])


def test_every_term_has_a_row_that_says_how_it_is_written() -> None:
    for name in TERMS:
        with pytest.raises(ValueError, match=name):
            parse_faults(f"{name}@:")
