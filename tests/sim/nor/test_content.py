"""What other rooms build on: the plain-content question and the change hook."""

from __future__ import annotations

from n6prog.sim.nor.wire import NONE, Framing, Phase, framing
from tests.sim.nor.bench import MS, US

DC_READ = {"1S": (0x0C, 8), "8S": (0xEC, 20), "8D": (0xEE, 20)}


def plain(bench, mode=None, opcode=None, dummy=None, address=4, dqs=False, inverse=None, now=None):
    """Whether a read frame gives the plain content; by default the right one for the mode."""
    mode = mode or bench.nor.mode
    own, clocks = DC_READ[mode]
    opcode = own if opcode is None else opcode
    shape = framing(mode, address, True, clocks if dummy is None else dummy, dqs)
    head = bytes((opcode,)) if mode == "1S" else bytes((opcode, opcode ^ 0xFF if inverse is None else inverse))
    answer = bench.nor.serves_content(shape, head + bytes(address), bench.now if now is None else now)
    assert isinstance(answer, bool)
    return answer


def test_a_read_that_goes_on_leaves_its_last_byte_on_the_lines(bench, mode):
    """In 8D the bytes of a pair come swapped (hw-flash 1)."""
    bench.nor.content[0x100:0x108] = bytes(range(0x21, 0x29))
    bench.octal(mode)
    assert bench.read(0x100, 8) == bytes(range(0x21, 0x29))
    last = bench.nor.floating.last
    assert last == (0x27 if mode == "8D" else 0x28)
    bench.nor.floating.last = 0
    bench.nor.drive_on(0x108)
    assert bench.nor.floating.last == last
    size = bench.nor.part.size
    bench.nor.content[size - 2 : size] = b"\x31\x32"
    bench.nor.drive_on(size)
    assert bench.nor.floating.last == (0x31 if mode == "8D" else 0x32)


# ---- plain content -------------------------------------------------------------------------------------------------


def test_the_right_read_serves_the_content(bench, mode):
    bench.octal(mode)
    assert plain(bench)
    assert not plain(bench, dummy=DC_READ[mode][1] + 1)
    assert not plain(bench, dummy=DC_READ[mode][1] - 1)
    assert not plain(bench, address=3, dummy=DC_READ[mode][1] + (8 if mode == "1S" else 1))
    assert not plain(bench, opcode=0x05)
    assert not plain(bench, opcode=0xAA)
    assert not bench.nor.serves_content(framing(mode, 4, True, DC_READ[mode][1]), b"", bench.now)
    assert plain(bench, opcode=0x13, dummy=0) is (mode == "1S")
    other = {"1S": "8S", "8S": "8D", "8D": "1S"}[mode]
    assert not plain(bench, other)
    if mode == "1S":
        assert plain(bench, opcode=0x03, address=3, dummy=0)
        assert not plain(bench, opcode=0xEC, dummy=20)
    else:
        assert not plain(bench, inverse=0x00)


def test_other_reads_and_lone_opcodes_serve_nothing(bench, mode):
    bench.octal(mode)
    sfdp = (3, 8) if mode == "1S" else (4, 20)  # its own frame
    assert not plain(bench, opcode=0x5A, address=sfdp[0], dummy=sfdp[1])
    elsewhere = 0xEC if mode == "1S" else 0x13  # an array read of another bus mode
    assert not plain(bench, opcode=elsewhere, address=0, dummy=0)
    if mode != "1S":
        assert not plain(bench, inverse=0xFF)


def test_a_frame_of_another_mode_with_as_many_clocks_serves_nothing(bench):
    shape = Framing.of(Phase(8, False, 1), Phase(8, False, 4), NONE, Phase(8, False), 43)
    assert shape.head_clocks == 8 + 32 + 8
    assert not bench.nor.serves_content(shape, b"\x0c" + bytes(4), bench.now)


def test_with_a_strobe_too_few_dummies_serve_too(bench):
    bench.octal("8D")
    assert plain(bench, dqs=True, dummy=6)
    bench.write_cr2(0x200, 1)
    assert not plain(bench, dqs=True)


def test_an_octal_burst_does_not_serve_and_a_one_line_read_does_not_care(bench):
    bench.send(0xC0, 0, b"\x01")
    assert plain(bench)
    bench.octal("8S")
    assert not plain(bench)


def test_the_content_is_not_served_while_anything_else_goes_on(bench):
    nor = bench.nor
    bench.enable()
    bench.send(0x21, 0x10000)
    end = nor.busy_until
    assert not plain(bench, now=end - 1)
    assert plain(bench, now=end)
    bench.now = end
    bench.enable()
    bench.send(0x21, 0x10000)
    bench.send(0xB0)
    bench.wait()
    assert not plain(bench)
    bench.send(0x30)
    bench.wait()
    bench.send(0xB1)
    assert not plain(bench)
    bench.send(0xC1)
    nor.faults.mute = True
    assert not plain(bench)
    nor.faults.mute = False
    nor.boot_read = True
    assert not plain(bench)
    nor.boot_read = False
    bench.send(0xB9)
    assert not plain(bench, now=bench.now + MS)
    bench.now += MS
    bench.send(0xAB)
    assert not plain(bench, now=nor.ready_at - 1)
    assert plain(bench, now=nor.ready_at)
    bench.now = nor.ready_at
    nor.drive_reset(True, bench.now)
    assert not plain(bench, now=bench.now + MS)
    nor.drive_reset(False, bench.now + MS)
    assert plain(bench, now=bench.now + 2 * MS)
    nor.power_off(bench.now + 2 * MS)
    assert not plain(bench, now=bench.now + 9 * MS)


# ---- the hook ------------------------------------------------------------------------------------------------------


def test_every_change_of_what_reads_give_is_told(bench):
    nor = bench.nor
    told = []
    nor.on_change = lambda: told.append(1)

    def tells(act) -> bool:
        told.clear()
        act()
        return bool(told)

    assert tells(lambda: bench.write_cr2(0x300, 1))
    assert tells(lambda: bench.octal("8S"))
    assert tells(lambda: bench.write_cr2(0, 0))
    assert tells(lambda: bench.send(0xC0, 0, b"\x01"))
    assert tells(lambda: bench.send(0xB1))
    assert tells(lambda: bench.send(0xC1))
    assert not tells(bench.enable)
    assert not tells(lambda: bench.read(0, 4))
    assert not tells(lambda: bench.sr)
    assert tells(lambda: bench.send(0x21, 0))
    assert not tells(lambda: nor.settle(nor.busy_until - 1))
    assert tells(lambda: bench.send(0xB0))
    assert tells(bench.wait)
    assert tells(lambda: bench.send(0x30))
    assert tells(bench.wait)
    bench.enable()
    assert tells(lambda: bench.send(0x12, 0, b"\0"))
    bench.now = bench.ended
    assert tells(lambda: bench.sr)  # too soon: the program is cancelled
    assert tells(lambda: bench.send(0xB9))
    bench.now += 10 * US
    assert tells(lambda: bench.send(0xAB))
    bench.now += 30 * US
    assert not tells(lambda: bench.send(0xAB))
    assert tells(bench.reset)
    assert tells(lambda: nor.drive_reset(True, bench.now))
    assert not tells(lambda: nor.drive_reset(True, bench.now))
    assert tells(lambda: nor.drive_reset(False, bench.now))
    assert tells(lambda: nor.power_off(bench.now))
    assert not tells(lambda: nor.power_off(bench.now))
    assert tells(lambda: nor.power_on(bench.now))
    assert not tells(lambda: nor.power_on(bench.now))
    bench.now += 2 * MS
    nor.boot_read = True
    assert tells(bench.enable)
    assert tells(lambda: nor.restore(nor.snapshot()))
