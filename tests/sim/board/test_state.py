"""The state folder: several processes, one board."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("unicorn")

from n6prog.sim import BoardBusy, SimAccess, SimBoard, SimTripwire
from n6prog.sim.state import default_folder, holder_of

RAM = 0x3407_0000


def test_ram_registers_nor_and_time_outlive_a_clean_end(tmp_path: Path) -> None:
    with SimBoard(state=tmp_path) as board:
        board.write(RAM, bytes.fromhex("0118 7047") + b"kept")  # adds r1, r0, r4; bx lr
        board.call(RAM | 1, 11, 22, 33)
        board.nor.content[5] = 0x77
        board.nor.mode = "8D"
        board.write(0x5602_8A64, (1 << 19).to_bytes(4, "little"))  # a bit of RCC_AHB4ENSR: stays on
        enabled = board.read(0x5602_8264, 4)
        ended = board.host.now
    with SimBoard(state=tmp_path) as board:
        assert board.host.now == ended
        assert board.read(RAM + 4, 4) == b"kept"
        assert (board.registers["r0"], board.registers["r2"]) == (11, 33)
        assert (board.nor.content[5], board.nor.mode) == (0x77, "8D")
        assert board.read(0x5602_8264, 4) == enabled
        assert board.core.halted


def test_an_exception_is_no_power_cut(tmp_path: Path) -> None:
    def fail() -> None:
        with SimBoard(state=tmp_path) as board:
            board.write(RAM, b"here")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with SimBoard(state=tmp_path) as board:
        assert board.read(RAM, 4) == b"here"


def test_a_process_killed_outright_is_a_power_cut(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from n6prog.sim import SimBoard\n"
        "board = SimBoard(state=sys.argv[1]).__enter__()\n"
        f"board.write({RAM}, b'gone')\n"
        "board.nor.content[9] = 0x55\n"
        "board.nor.mode = '8S'\n"
        "os._exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60)
    with SimBoard(state=tmp_path) as board:
        assert board.read(RAM, 4) != b"gone"
        assert board.nor.mode == "1S"
        assert board.nor.content[9] == 0x55  # what was in the flash is in the flash


def test_a_board_that_nobody_closed_is_no_power_cut(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from n6prog.sim import SimBoard\n"
        f"SimBoard(state=sys.argv[1]).__enter__().write({RAM}, b'kept')\n"
        "raise RuntimeError\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, timeout=60, capture_output=True)
    assert done.returncode == 1
    with SimBoard(state=tmp_path) as board:
        assert board.read(RAM, 4) == b"kept"


def test_the_image_is_exactly_as_long_as_the_part(tmp_path: Path) -> None:
    with SimBoard(state=tmp_path):
        pass
    content = (tmp_path / "nor.bin").read_bytes()
    assert len(content) == 64 << 20
    assert content.count(0xFF) == len(content)


def test_a_nor_of_another_size_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "nor.bin").write_bytes(b"mine")
    with pytest.raises(ValueError, match="holds 4 bytes"), SimBoard(state=tmp_path):
        pass
    assert (tmp_path / "nor.bin").read_bytes() == b"mine"


def test_what_lies_in_the_image_beforehand_is_what_the_chip_holds(tmp_path: Path) -> None:
    image = bytearray(b"\xff") * (64 << 20)
    image[0x1000:0x1004] = b"fact"
    (tmp_path / "nor.bin").write_bytes(image)
    with SimBoard(state=tmp_path) as board:
        assert bytes(board.nor.content[0x1000:0x1004]) == b"fact"


def test_the_second_user_is_told_who_holds_the_board(tmp_path: Path) -> None:
    with SimBoard(state=tmp_path, reason="night run"):
        with pytest.raises(BoardBusy) as caught, SimBoard(state=tmp_path):
            pass
        holder = caught.value.holder
        assert (holder["pid"], holder["reason"]) == (os.getpid(), "night run")
        assert set(holder) == {"pid", "command", "user", "host", "since", "reason"}
        assert f"process {os.getpid()}" in str(caught.value)
    with SimBoard(state=tmp_path):
        pass


def test_the_lock_holds_between_processes_and_dies_with_its_owner(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from n6prog.sim import SimBoard\n"
        "with SimBoard(state=sys.argv[1], reason='other'):\n"
        "    print('in', flush=True)\n"
        "    time.sleep(60)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(BoardBusy) as caught, SimBoard(state=tmp_path):
            pass
        assert caught.value.holder["pid"] == other.pid
    finally:
        other.kill()
        other.wait()
        if other.stdout is not None:
            other.stdout.close()
    with SimBoard(state=tmp_path):
        pass


def test_boot1_stays_as_it_was_set_unless_somebody_sets_it(tmp_path: Path) -> None:
    with SimBoard(state=tmp_path) as board:
        board.power_cycle(boot1=0)
        with pytest.raises(SimAccess, match="AP1 is closed"):
            board.read(RAM, 4)
    with SimBoard(state=tmp_path, boot1=None) as board:
        assert board.boot1 == 0
    with SimBoard(state=tmp_path, boot1=1) as board:
        board.read(RAM, 4)
    with SimBoard(state=tmp_path, boot1=None) as board:
        assert board.boot1 == 1


def test_a_board_switched_off_stays_off(tmp_path: Path) -> None:
    with SimBoard(state=tmp_path) as board:
        board.power_off()
    with SimBoard(state=tmp_path) as board:
        assert not board.powered
        with pytest.raises(SimAccess, match="no power"):
            board.read(RAM, 4)
        board.power_on()
        board.read(RAM, 4)


def test_a_damaged_journal_is_a_power_cut(tmp_path: Path) -> None:
    with SimBoard(state=tmp_path) as board:
        board.nor.content[3] = 1
    (tmp_path / "board.json").write_text("{ not json")
    with SimBoard(state=tmp_path) as board:
        assert board.ap1_open()
        assert board.nor.content[3] == 1


@pytest.mark.parametrize("path", [("core",), ("dap",), ("soc",), ("nor",), ("powered",), ("rev",), ("core", "flags")])
def test_a_journal_with_a_key_missing_is_a_power_cut(tmp_path: Path, path: tuple[str, ...]) -> None:
    with SimBoard(state=tmp_path) as board:
        board.nor.content[3] = 1
        board.write(RAM, b"kept")
    journal = json.loads((tmp_path / "board.json").read_text())
    *outer, last = path
    where = journal
    for key in outer:
        where = where[key]
    del where[last]
    (tmp_path / "board.json").write_text(json.dumps(journal))
    with SimBoard(state=tmp_path) as board:
        assert board.ap1_open()
        assert board.nor.content[3] == 1
        assert board.read(RAM, 4) != b"kept"


def test_the_journal_is_json_and_says_when_somebody_is_inside(tmp_path: Path) -> None:
    with SimBoard(state=tmp_path):
        assert json.loads((tmp_path / "board.json").read_text())["in_use"] is True
    assert json.loads((tmp_path / "board.json").read_text())["in_use"] is False


def test_without_a_state_nothing_is_kept() -> None:
    with SimBoard() as board:
        assert len(board.nor.content) == 64 << 20
        assert bytes(board.nor.content[:64]) == b"\xff" * 64


def test_the_default_place_is_the_users_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_folder("nucleo-n657x0-q") == tmp_path / "n6prog" / "sim" / "nucleo-n657x0-q"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_folder("x") == tmp_path / "home" / ".local" / "state" / "n6prog" / "sim" / "x"


def test_the_tripwire_fails_the_run_and_an_earlier_error_is_not_hidden() -> None:
    with pytest.raises(SimTripwire, match="an OTP fuse"), SimBoard() as board:
        board.tripwire.violation("an OTP fuse")

    def fail() -> None:
        with SimBoard() as board:
            board.tripwire.violation("an OTP fuse")
            raise KeyError("first")

    with pytest.raises(KeyError, match="first"):
        fail()


def test_the_silicon_decides_the_revision_words() -> None:
    for rev, word in (("B", 0x200), ("Z", 0x101)):
        with SimBoard(rev=rev) as board:
            for address in (0x1800_1004, 0x1800_47EC):
                assert int.from_bytes(board.read(address, 4), "little") == word


def test_the_dk_has_the_128_mib_part() -> None:
    with SimBoard("stm32n6570-dk") as board:
        assert board.nor.jedec_id == bytes.fromhex("c2813b")
        assert len(board.nor.content) == 128 << 20


@pytest.mark.parametrize(("ending", "status"), [("", 120), ("raise KeyError(1)", 1)])
def test_the_tripwire_of_a_board_that_nobody_closed_is_heard(ending: str, status: int) -> None:
    script = f"from n6prog.sim import SimBoard\nSimBoard().__enter__().tripwire.violation('an OTP fuse')\n{ending}\n"
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=60, capture_output=True, text=True)
    assert (
        "a simulated board that nobody closed: refused, because it would hurt a real board: an OTP fuse" in done.stderr
    )
    assert done.returncode == status


def test_a_look_at_the_holder_keeps_nobody_out(tmp_path: Path) -> None:
    import fcntl

    with SimBoard(state=tmp_path, reason="night run"):
        assert (holder_of(tmp_path) or {})["reason"] == "night run"
    assert holder_of(tmp_path) is None
    lock = tmp_path / "lock"
    lock.write_text('{"pid": 1, "reason": "died"}\n')
    with lock.open() as other:
        fcntl.flock(other.fileno(), fcntl.LOCK_SH)  # somebody else is looking
        assert holder_of(tmp_path) is None
    lock.write_text("")
    with lock.open() as other:
        fcntl.flock(other.fileno(), fcntl.LOCK_EX)  # without a text there is nothing to look for
        assert holder_of(tmp_path) is None
