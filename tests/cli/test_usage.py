"""What is typed wrongly, or in another tool's words, is answered with exit code 2 and the right words."""

from __future__ import annotations

from typing import Any

import pytest

CASES = [
    # other tools' whole command lines
    ("-c port=SWD freq=8000 mode=UR -w app.elf", "n6prog flash app.elf --swd-clock 8000k --connect under-reset"),
    ("-c port=SWD -w weights.raw 0x71000000 -v -rst", "n6prog flash weights.raw@0x71000000"),
    ("-c port=SWD sn=003A -d app.elf", "n6prog flash app.elf --probe 003A"),
    ("-c port=SWD -r 0x70000000 0x1000 out.bin", "n6prog read 0x70000000+0x1000 -o out.bin"),
    ("-c port=SWD -u 0x70000000 0x1000 out.bin", "n6prog read 0x70000000+0x1000 -o out.bin"),
    ("-c port=SWD -e all", "n6prog erase --chip"),
    ("-l", "n6prog list"),
    ("write-flash 0x70000000 a.bin 0x70100000 b.bin", "n6prog flash a.bin@0x70000000 b.bin@0x70100000"),
    ("write_flash 0x70000000 a.bin", "n6prog flash a.bin@0x70000000"),
    ("read-flash 0x70000000 4096 out.bin", "n6prog read 0x70000000+4096 -o out.bin"),
    ("erase-region 0x70000000 0x1000", "n6prog erase 0x70000000+0x1000"),
    ("write app.bin 0x70100000", "n6prog flash app.bin@0x70100000"),
    ("load app.elf", "n6prog flash app.elf"),
    ("download app.elf", "n6prog flash app.elf"),
    ("program app.elf verify", "n6prog flash app.elf"),
    ("flash-id", "n6prog info"),
    ("0x70000000 file.bin", "n6prog flash file.bin@0x70000000"),
    ("app.elf", "n6prog flash app.elf"),
    # options of theirs before, between and behind the files
    ("download --chip STM32N657X0 --protocol swd app.elf", "n6prog flash app.elf"),
    ("load -t stm32n657x0 -a 0x71000000 w.raw", "n6prog flash w.raw@0x71000000"),
    ("write-flash -z 0x70000000 a.bin", "n6prog flash a.bin@0x70000000"),
    ("-c port=SWD -w a.bin 0x70000000 -w b.bin 0x70100000", "n6prog flash a.bin@0x70000000 b.bin@0x70100000"),
    ("-c port=SWD -el NUCLEO.stldr -w a.bin 0x70000000 -s 0x70000000", "n6prog flash a.bin@0x70000000\n"),
    ("-c port=SWD -w a.bin 0x70000000 -el NUCLEO.stldr -v", "n6prog flash a.bin@0x70000000\n"),
    # options of ours stay
    ("--connect under-reset load app.elf --probe 003A", "n6prog flash app.elf --connect under-reset --probe 003A"),
    ("-p sim app.elf", "n6prog flash app.elf -p sim"),
    ("run app.elf", "not in this version"),
    # ours, spelled another way
    ("flash 0x70000000 a.bin", "n6prog flash a.bin@0x70000000"),
    ("flash a.bin 0x70000000", "n6prog flash a.bin@0x70000000"),
    ("flash a.bin 0x70000000 b.bin 0x70100000", "n6prog flash a.bin@0x70000000 b.bin@0x70100000"),
    ("verify 0x70000000 a.bin", "n6prog verify a.bin@0x70000000"),
    ("flash a.bin,0x70000000", "n6prog flash a.bin@0x70000000"),
    ("flash app.elf freq=8000", "--swd-clock 8000k"),
    ("flash app.elf --chip-erase", "--erase chip"),
    ("flash app.elf --base-address 0x70000000", "FILE@ADDR"),
    ("erase 0x70000000 0x1000", "n6prog erase 0x70000000+0x1000"),
    ("erase all", "n6prog erase --chip"),
    ("erase app", "n6prog erase --slot app"),
    ("erase 0x70000000..0x70001000", "n6prog erase 0x70000000-0x70001000"),
    ("erase 0x70000000:0x1000", "n6prog erase 0x70000000+0x1000"),
    ("erase 70000000+4K", "n6prog erase 0x70000000+4K"),
    ("read 0x70000000,4K -o x.bin", "n6prog read 0x70000000+4K -o FILE"),
    ("read 0x70000000+4K -o -", "Name a file"),
    ("erase --slot app --slot weights", "--slot is given twice"),
    ("read 0x70000000 0x1000 -o x.bin", "n6prog read 0x70000000+0x1000"),
    # slips
    ("flahs app.elf", "Did you mean flash?"),
    ("flash app.elf --ersae chip", "Did you mean --erase?"),
    ("flash app.elf --erase chnaged", "Did you mean 'changed'?"),
    ("flash app.elf --connect halted", "Did you mean 'halt'?"),
    ("flash app.elf -f 8000", "Did you mean 8000k?"),
    ("flash app.elf --header 2.2", "One of: auto, keep, none, 2.1, 2.3."),
    ("flash app.elf --after run", "not in this version"),
    ("flash app.elf --wait soon", "seconds"),
    ("flash app.elf --map 0x1", "FROM=TO"),
    ("flash", "FILE[@ADDR]"),
    ("flash app.elf -f", "--swd-clock CLOCK: SWD clock: 8M, 3300k, auto"),
    ("flash app.elf --erase", "--erase WHAT: what to erase: changed (default), all-touched, chip"),
    ("flash app.elf --no-verify=1", "--no-verify takes no value"),
    ("read 0x70000000 -o x.bin", "START+LEN"),
    ("read 0x70000000+4K", "-o FILE"),
    ("info app.elf", "one word too many"),
    ("--frobnicate", "no command"),
    ("", "flash, verify, erase, read, check, doctor, info, list, config"),
]


@pytest.mark.parametrize(("line", "words"), CASES)
def test_it_is_answered_with_ours(n6: Any, board: Any, line: str, words: str) -> None:
    done = n6(*line.split())
    assert done.code == 2
    assert done.out == ""
    assert "error E-" in done.err
    assert words in done.err
    assert not board.calls


@pytest.mark.parametrize(
    "line", ["--json flash", "flash app.elf --nonsense --json", "--json flahs", "--json -w app.elf", "--json"]
)
def test_json_ends_with_an_end_also_then(n6: Any, board: Any, line: str) -> None:
    done = n6(*line.split())
    assert done.code == 2
    assert [event["type"] for event in done.events] == ["error", "end"]
    assert (done.end["ok"], done.end["exit_code"], done.end["code"]) == (False, 2, "E-USAGE")
    assert {"seconds", "virtual_seconds", "swd_clock_hz", "bytes", "pieces"} <= set(done.end)


def test_json_from_the_environment_holds_for_usage_errors_too(
    n6: Any, board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("N6PROG_JSON", "1")
    assert n6("flash").end["exit_code"] == 2


def test_a_file_whose_name_begins_with_a_dash_stands_behind_two(n6: Any, board: Any, tmp_path: Any) -> None:
    (tmp_path / "-v.raw").write_bytes(b"x")
    assert n6("flash", "-q", "--", "-v.raw@0x71000000").code == 0
    assert board.calls[0][1] == ("./-v.raw@0x71000000",)


def test_a_file_given_twice_is_no_overlap(n6: Any, board: Any, tmp_path: Any) -> None:
    (tmp_path / "a.raw").write_bytes(b"x")
    done = n6("flash", "a.raw@0x71000000", "a.raw@0x71000000")
    assert done.code == 2
    assert "a.raw@0x71000000 is given twice" in done.err
    assert n6("flash", "a.raw@0x71000000", "a.raw@0x72000000").code == 0


def test_a_link_to_nothing_is_told_as_one(n6: Any, board: Any, tmp_path: Any) -> None:
    (tmp_path / "link.elf").symlink_to("gone.elf")
    done = n6("flash", "link.elf")
    assert done.code == 2
    assert "it is a link to gone.elf, which is not there" in done.err


def test_a_slow_clock_is_no_slip_when_its_unit_is_said(n6: Any, board: Any) -> None:
    from n6prog.api import clock

    assert clock("10.0k") == 10_000
    assert n6("info", "-f", "10k").code == 0
    assert board.opened["swd_clock"] == "10.0k"


def test_a_file_named_like_a_number_is_a_file(n6: Any, board: Any, tmp_path: Any) -> None:
    (tmp_path / "1234").write_bytes(b"x")
    assert n6("flash", "1234").code == 0
    assert board.calls[0][1] == ("1234",)


@pytest.mark.parametrize("words", [["--help"], ["help"], ["-h"], ["flash", "--help"], ["help", "erase"]])
def test_help_is_no_error(n6: Any, words: list[str]) -> None:
    done = n6(*words)
    assert done.code == 0
    assert done.out.startswith("usage: n6prog")


def test_the_help_of_a_command_offers_only_what_it_takes(n6: Any) -> None:
    flash, verify = n6("flash", "--help").out, n6("verify", "--help").out
    assert "--erase" in flash
    assert "--erase" not in verify
    for option in ("--probe", "--swd-clock", "--board", "--connect", "--wait", "--dry-run", "--json", "--log"):
        assert option in flash
        assert option in verify
    assert "2.3" in flash
    assert "run" not in flash.split("--after")[1].splitlines()[0]


def test_the_version_names_the_loader_by_its_recorded_digest(n6: Any) -> None:
    import json
    from pathlib import Path

    import n6prog
    import n6prog.flash_algos

    record = Path(n6prog.flash_algos.__file__).parent / "images" / "build.json"
    done = n6("--version")
    assert done.code == 0
    assert f"n6prog {n6prog.__version__}" in done.out
    assert json.loads(record.read_text())["sha256"] in done.out
