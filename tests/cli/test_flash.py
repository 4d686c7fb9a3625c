"""`n6prog flash` and its siblings: what the board is asked for, what is printed, which exit code comes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from n6prog.errors import (
    FlashFailure,
    ImageRefused,
    N6ProgError,
    ProbeBusy,
    ProbeNotFound,
    TargetUnreachable,
    UsageError,
    VerifyMismatch,
)
from n6prog.findings import finding
from n6prog.flows.report import ByteCounts

INTERNAL = finding("E-INTERNAL", reason="made up")


def test_defaults_ask_for_changed_verified_reset_and_a_lazy_probe(n6: Any, board: Any) -> None:
    assert n6("flash", "app.elf").code == 0
    name, files, options = board.calls[0]
    assert (name, files) == ("flash", ("app.elf",))
    assert options == {
        "erase": "changed",
        "header": "auto",
        "slot": None,
        "maps": (),
        "verify": True,
        "after": "reset",
        "dry_run": False,
        "unprotect": False,
    }
    opened = dict(board.opened)
    del opened["on_event"]
    assert opened == {
        "probe": None,
        "board": None,
        "swd_clock": "auto",
        "connect": "auto",
        "wait": 0.0,
        "loader": "resident",
        "lazy": True,
    }
    assert board.closed == 1


def test_options_reach_the_board_from_anywhere_on_the_line(n6: Any, board: Any) -> None:
    done = n6(
        *("-p", "sim", "--board", "stm32n6570-dk", "flash", "app.elf", "--erase", "all-touched", "-f", "3300k"),
        *("weights.raw@0x71000000", "--header=none", "--map", "0x1=0x2", "--map", "0x3=0x4", "--slot", "app"),
        *("--no-verify", "--unprotect", "--after", "halt", "--connect", "UR", "--wait", "5", "-n"),
        *("--loader", "classic"),
    )
    assert done.code == 0
    _, files, options = board.calls[0]
    assert files == ("app.elf", "weights.raw@0x71000000")
    assert options == {
        "erase": "all-touched",
        "header": "none",
        "slot": "app",
        "maps": ("0x1=0x2", "0x3=0x4"),
        "verify": False,
        "after": "halt",
        "dry_run": True,
        "unprotect": True,
    }
    assert board.opened["probe"] == "sim"
    assert board.opened["board"] == "stm32n6570-dk"
    assert board.opened["swd_clock"] == 3_300_000
    assert board.opened["connect"] == "under-reset"
    assert board.opened["wait"] == 5
    assert board.opened["loader"] == "classic"


@pytest.mark.parametrize(("flag", "value"), [("-u", "A"), ("--uid", "A"), ("--probe", "A"), ("-p", "A")])
def test_every_spelling_of_the_probe(n6: Any, board: Any, flag: str, value: str) -> None:
    assert n6("flash", "app.elf", flag, value).code == 0
    assert board.opened["probe"] == "A"


@pytest.mark.parametrize("flag", ["-f", "--swd-clock", "--freq", "--speed"])
def test_every_spelling_of_the_clock(n6: Any, board: Any, flag: str) -> None:
    assert n6("flash", "app.elf", flag, "8M").code == 0
    assert board.opened["swd_clock"] == 8_000_000


@pytest.mark.parametrize(("word", "mode"), [("HOTPLUG", "attach"), ("hotplug", "attach"), ("ur", "under-reset")])
def test_connect_modes_of_other_tools(n6: Any, board: Any, word: str, mode: str) -> None:
    assert n6("flash", "app.elf", "--connect", word).code == 0
    assert board.opened["connect"] == mode


def test_variables_and_the_file_reach_the_board(
    n6: Any, board: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("N6PROG_AFTER", "none")
    (tmp_path / "n6prog.toml").write_text('probe = "sim"\nafter = "halt"\n')
    assert n6("flash", "app.elf").code == 0
    assert board.opened["probe"] == "sim"
    assert board.calls[0][2]["after"] == "none"


def test_the_text_is_laid_out_as_people_read_it(n6: Any, board: Any) -> None:
    lines = n6("flash", "app.elf").out.splitlines()
    assert lines == [
        "ST-LINK V3 003A0037 (V3J17M10), SWD 8 MHz · NUCLEO-N657X0-Q · STM32N657 rev B · development boot · 3.29 V",
        "NOR MX25UM51245G 64 MiB (C2 80 3A)",
        "  0x70100400     46 KiB  app.elf .isr_vector .text  2 of 13 sectors differ",
        "  0x71000000   4.00 MiB  weights.raw                unchanged",
        (
            "done in 0.52 s: 2 sectors written (8.00 KiB erased, 7.75 KiB programmed), 4.00 MiB already right; "
            "all verified by digest on the chip"
        ),
        "NUCLEO-N657X0-Q is still in development boot. Start: move JP2",
    ]


def test_the_rows_are_there_before_the_writing_begins(n6: Any, board: Any, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []
    board.during = lambda: seen.append(capsys.readouterr().out)
    n6("flash", "app.elf")
    assert "weights.raw                unchanged" in seen[0]


def test_a_second_run_says_that_there_was_nothing_to_do(n6: Any, board: Any) -> None:
    board.report = replace(board.report, bytes=ByteCounts(wanted=47104, skipped=47104))
    assert "nothing to write, all 46 KiB were there already" in n6("flash", "app.elf").out


def test_simulated_time_is_called_simulated(n6: Any, board: Any) -> None:
    board.report = replace(board.report, virtual_seconds=1.25)
    assert "done in 1.25 s simulated (0.52 s here)" in n6("flash", "app.elf").out


def test_a_flash_without_verify_does_not_claim_one(n6: Any, board: Any) -> None:
    out = n6("flash", "app.elf", "--no-verify").out
    assert "verified" not in out
    assert "--no-verify" in out


def test_a_dry_run_says_what_would_be(n6: Any, board: Any) -> None:
    board.report = replace(
        board.report, dry_run=True, estimated_seconds=0.3, bytes=ByteCounts(wanted=1, skipped=4 << 20)
    )
    out = n6("flash", "app.elf", "-n").out
    assert "dry run: 2 sectors would be written, about 0.30 s, 4.00 MiB already right; the flash was not changed" in out
    assert "done" not in out


def test_quiet_prints_nothing_when_all_is_well(n6: Any, board: Any) -> None:
    done = n6("flash", "app.elf", "-q")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError, 2),
        (ProbeNotFound, 3),
        (ProbeBusy, 4),
        (TargetUnreachable, 5),
        (FlashFailure, 6),
        (VerifyMismatch, 7),
        (ImageRefused, 8),
    ],
)
def test_the_exit_code_is_that_of_the_exception(n6: Any, board: Any, error: type[N6ProgError], code: int) -> None:
    board.error = error(INTERNAL)
    done = n6("flash", "app.elf", "--json")
    assert done.code == code
    assert done.end["exit_code"] == code
    assert done.end["ok"] is False
    assert board.closed == 1


def test_all_findings_of_an_error_are_printed_in_its_layout(n6: Any, board: Any) -> None:
    board.error = VerifyMismatch(
        [
            finding("E-NOT-BLANK", "chip", address=0x70001000, count=3),
            finding("E-NEIGHBOUR", "flash", address=0x70002000, block=0x70000000, count=1),
        ]
    )
    done = n6("flash", "app.elf")
    assert done.code == 7
    lines = done.err.splitlines()
    assert lines[0].startswith("error E-NOT-BLANK: 0x70001000 is not blank")
    assert lines[1].startswith("  cure      ")
    assert lines[2].startswith("error E-NEIGHBOUR: ")
    assert done.err.count("E-NOT-BLANK") == 1


def test_json_owns_stdout_and_text_goes_to_stderr(n6: Any, board: Any) -> None:
    done = n6("flash", "app.elf", "--json")
    assert [event["type"] for event in done.events] == [
        *("begin", "plan", "region", "region", "region", "progress", "progress", "end"),
    ]
    assert all(event["v"] == 1 for event in done.events)
    assert done.end["bytes"] == {
        "wanted": 0x40B800,
        "sent": 8192,
        "erased": 8192,
        "programmed": 7936,
        "skipped": 4 << 20,
    }
    assert done.end["swd_clock_hz"] == 8_000_000
    assert done.end["pieces"][0]["sha256"] == "ab" * 32
    assert "done in 0.52 s" in done.err


def test_an_error_is_one_event_and_the_end_is_last(n6: Any, board: Any) -> None:
    board.error = FlashFailure.of("E-READ", "read", address=0x70000000)
    done = n6("flash", "app.elf", "--json")
    assert [event["type"] for event in done.events].count("error") == 1
    assert done.end["code"] == "E-READ"


def test_an_unexpected_exception_is_an_internal_fault_without_a_traceback(n6: Any, board: Any, tmp_path: Path) -> None:
    board.error = RuntimeError("boom")
    done = n6("flash", "app.elf", "--json", "--log", "n6.log")
    assert done.code == 1
    assert "error E-INTERNAL: internal fault: RuntimeError: boom" in done.err
    assert done.end["code"] == "E-INTERNAL"
    assert "Traceback" in (tmp_path / "n6.log").read_text()


def test_ctrl_c_is_130_with_an_end(n6: Any, board: Any) -> None:
    board.error = KeyboardInterrupt()
    done = n6("flash", "app.elf", "--json")
    assert done.code == 130
    assert done.end["code"] == "E-INTERRUPTED"
    assert board.closed == 1


def test_a_warning_is_said_once_and_does_not_fail(n6: Any, board: Any) -> None:
    board.warnings = (finding("W-MAP-UNUSED", "0x1=0x2"),)
    board.report = replace(board.report, findings=board.warnings)
    done = n6("flash", "app.elf")
    assert done.code == 0
    assert done.err.count("warning W-MAP-UNUSED: ") == 1


def test_the_log_holds_command_version_settings_and_events(n6: Any, board: Any, tmp_path: Path) -> None:
    assert n6("flash", "app.elf", "--log", "n6.log", "-f", "8M").code == 0
    log = (tmp_path / "n6.log").read_text()
    for words in (
        "n6prog flash app.elf --log n6.log -f 8M",
        "swd_clock = 8000000 (--swd-clock)",
        '"type":"plan"',
        "done in",
    ):
        assert words in log


def test_a_log_that_cannot_be_written_is_told_before_anything_is_done(n6: Any, board: Any) -> None:
    done = n6("flash", "app.elf", "--log", "nowhere/n6.log")
    assert done.code == 2
    assert "E-NO-WRITE" in done.err
    assert not board.calls


def test_files_that_are_not_there_are_all_told_with_the_nearest(n6: Any, board: Any) -> None:
    done = n6("flash", "ap.elf", "other.bin@0x71000000", "app.elf")
    assert done.code == 2
    assert done.err.count("E-NO-FILE") == 2
    assert "did you mean app.elf?" in done.err
    assert not board.opened


def test_verify_asks_for_a_verify(n6: Any, board: Any) -> None:
    done = n6("verify", "app.elf", "weights.raw@0x71000000", "--slot", "app")
    assert done.code == 0
    assert board.calls == [
        (
            "verify",
            ("app.elf", "weights.raw@0x71000000"),
            {"header": "auto", "slot": "app", "maps": (), "diff": False},
        ),
    ]
    assert "verified in 0.52 s" in done.out


def test_verify_has_no_erase_option(n6: Any, board: Any) -> None:
    done = n6("verify", "app.elf", "--erase", "chip")
    assert done.code == 2
    assert "option of n6prog flash" in done.err


@pytest.mark.parametrize(
    ("words", "ranges", "chip"),
    [
        (("0x70000000+64K",), [(0x70000000, 0x10000)], False),
        (("0x70000000-0x70001000", "0x71000000+1M"), [(0x70000000, 0x1000), (0x71000000, 0x100000)], False),
        (("--slot", "app"), [(0x70100000, 0xF00000)], False),
        (("--chip",), [], True),
    ],
)
def test_erase_of_ranges_slot_and_chip(
    n6: Any, board: Any, words: tuple[str, ...], ranges: list[tuple[int, int]], chip: bool
) -> None:
    assert n6("erase", *words).code == 0
    assert board.calls == [("erase", (ranges,), {"chip": chip, "dry_run": False, "unprotect": False})]


@pytest.mark.parametrize(
    "words", [(), ("0x70000000+1K", "--chip"), ("--slot", "app", "--chip"), ("--slot", "ap"), ("1+0",)]
)
def test_erase_refuses_what_is_not_clear(n6: Any, board: Any, words: tuple[str, ...]) -> None:
    done = n6("erase", *words)
    assert done.code == 2
    assert "E-USAGE" in done.err
    assert not board.calls


def test_a_slot_from_the_environment_is_never_erased(n6: Any, board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("N6PROG_SLOT", "app")
    assert n6("erase").code == 2
    assert not board.calls


def test_read_asks_for_the_range_and_names_the_file(n6: Any, board: Any, tmp_path: Path) -> None:
    done = n6("read", "0x70000000+4K", "-o", "out.bin")
    assert done.code == 0
    assert board.calls == [("read_to", (tmp_path / "out.bin", 0x70000000, 4096), {})]
    assert "read 4.00 KiB at 0x70000000 into" in done.out


def test_read_writes_through_a_link_to_the_file_it_names(n6: Any, board: Any, tmp_path: Path) -> None:
    (tmp_path / "link.bin").symlink_to(tmp_path / "real.bin")
    assert n6("read", "0x70000000+4K", "-o", "link.bin").code == 0
    assert board.calls[0][1][0] == tmp_path / "real.bin"


@pytest.mark.parametrize("output", ["/dev/null", ".", "nowhere/out.bin"])
def test_read_refuses_what_it_must_not_replace(n6: Any, board: Any, output: str) -> None:
    done = n6("read", "0x70000000+4K", "-o", output)
    assert done.code == 2
    assert "E-NO-WRITE" in done.err
    assert not board.calls


def test_info_says_everything_that_is_known(n6: Any, board: Any) -> None:
    done = n6("info", "--json")
    assert done.code == 0
    assert done.end["info"]["jedec"] == "C2 80 3A"
    for words in ("V3J17M10", "8 MHz", "3.29 V", "STM32N657 rev B", "development boot", "MX25UM51245G, 64 MiB"):
        assert words in done.err


def test_erase_of_what_was_blank_says_so(n6: Any, board: Any) -> None:
    board.report = replace(board.report, bytes=ByteCounts(wanted=65536, skipped=65536))
    done = n6("erase", "0x70100000+64K")
    assert "nothing to erase, all 64 KiB were blank already" in done.out
