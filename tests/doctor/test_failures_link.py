"""Failures of probe, wire and computer (users.md F10 to F24), through the command line."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import n6prog
from n6prog.cli import main
from n6prog.errors import ProbeNotFound, TargetUnreachable
from n6prog.link import connect

from .conftest import Case
from .test_failures_flash import dirty


@pytest.mark.parametrize("link", ["stlink", "cmsis-dap"])
@pytest.mark.parametrize("moment", ["@1ms", "@100ms", "@#4000"])
def test_f10_f13_a_probe_that_hangs_is_told_as_one_and_the_next_flash_works(case: Case, link: str, moment: str) -> None:
    done = case.flash(faults=f"hang{moment}", options=f",link={link}")
    assert done.code == 5
    found = done.findings["E-PROBE-HUNG"]
    assert found["evidence"]["usb"] == "no answer"
    assert "Unplug the probe and plug it in again" in found["cure"]
    assert "--swd-clock 1M" in found["cure"]
    assert "no fault of the chip" in found["not_this"]
    assert case.flash(options=f",link={link}").code == 0


def test_f10_firmware_that_is_known_to_hang_is_named_beside(case: Case) -> None:
    done = case.flash(faults="firmware:V3J16M6+hang@100ms")
    assert set(done.findings) == {"W-PROBE-HANGS", "E-PROBE-HUNG", "W-PROBE-FIRMWARE"}
    assert done.findings["W-PROBE-HANGS"]["evidence"] == {"firmware": "V3J16M6", "granted": "3.3 MHz"}
    assert done.findings["E-PROBE-HUNG"]["evidence"]["usb"] == "no answer"
    found = done.findings["W-PROBE-FIRMWARE"]
    assert found["evidence"]["firmware"] == "V3J16M6"
    assert "hanging on a read" in found["text"]
    assert "V3J17M10" in found["cure"]
    again = case.flash(faults="firmware:V3J16M6")
    assert (again.code, again.end["swd_clock_hz"]) == (0, 3_300_000)  # auto goes no higher with this firmware


def test_f10_f13_a_probe_that_goes_from_usb_is_a_lost_link(case: Case) -> None:
    done = case.flash(faults="unplug@#4000")
    found = done.findings["E-LINK-LOST"]
    assert (done.code, found["evidence"]["usb"]) == (5, "gone")
    assert "run the same command again" in found["cure"]
    assert case.flash().code == 0


def test_f10_f13_a_probe_that_goes_in_the_middle_and_comes_back_is_gone_on_with(case: Case) -> None:
    dirty(case)
    done = case.flash(faults="unplug@220ms")
    assert done.code == 0
    assert "no such device" in done.findings["W-SWD-CLOCK"]["evidence"]["reason"].lower()
    assert case.run("verify", case.file).code == 0


def test_f10_f13_a_probe_that_goes_in_the_middle_and_stays_away_is_a_lost_link_and_no_missing_probe(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    dirty(case)
    real, asked = connect.choose, []

    def choose(wanted: str | None) -> Any:
        asked.append(wanted)
        if len(asked) > 1:
            raise ProbeNotFound.of("E-NO-PROBE", looked_for="")
        return real(wanted)

    with monkeypatch.context() as patch:
        patch.setattr(connect, "choose", choose)
        done = case.flash(faults="unplug@220ms")
    assert len(asked) > 1
    assert done.code == 5
    found = done.findings["E-LINK-LOST"]
    assert found["evidence"]["usb"] == "gone"
    assert "run the same command again" in found["cure"]
    assert done.findings["W-DOUBT"]["evidence"]["start"] == 0x7100_0000
    assert case.flash().code == 0


def test_f11_auto_takes_the_fastest_clock_that_works_and_the_doctor_counts(case: Case) -> None:
    done = case.flash(faults="max-clock:3300k")
    assert (done.code, done.end["swd_clock_hz"]) == (0, 3_300_000)
    seen = case.doctor(faults="max-clock:3300k")
    evidence = seen.checks["SWD clock"]["evidence"]
    assert (evidence["granted"], evidence["errors at 1 MHz"], evidence["errors at 3.3 MHz"]) == ("3.3 MHz", 0, 0)
    assert evidence["errors at 8 MHz"] > 0
    found = seen.findings["W-LINK-ERRORS"]
    assert (found["evidence"]["clock"], found["evidence"]["reads"]) == ("8 MHz", 16)
    assert "stays below that clock by itself" in found["cure"]


def test_f11_a_clock_that_was_asked_for_and_does_not_work_is_an_error(case: Case) -> None:
    done = case.flash(case.file, "-f", "24M", faults="max-clock:8M")
    assert done.code == 5
    found = done.findings["E-SWD-CLOCK"]
    assert found["evidence"]["clock"] == "24 MHz"
    assert "--swd-clock auto or a lower clock" in found["cure"]
    assert case.flash().code == 0


@pytest.mark.parametrize(("name", "known"), [("V3J15M7", True), ("V3J16M6", True), ("V3J17M10", False)])
def test_f12_old_probe_firmware_is_named(case: Case, name: str, known: bool) -> None:
    done = case.doctor(faults=f"firmware:{name}")
    assert done.code == 0
    assert done.checks["probe"]["evidence"]["firmware"] == name
    assert done.checks["probe"]["verdict"] == ("warn" if known else "ok")
    assert ("W-PROBE-FIRMWARE" in done.findings) == known
    assert not known or "--swd-clock 3300k" in done.findings["W-PROBE-FIRMWARE"]["cure"]


def test_f15_missing_rights_are_told_with_the_udev_rules(case: Case) -> None:
    done = case.flash(faults="no-access")
    assert done.code == 3
    assert "udev" in done.findings["E-PROBE-ACCESS"]["cure"]
    assert case.flash().code == 0


def test_f15_a_system_without_rules_is_seen(case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("n6prog.doctor.host.is_simulated", lambda probe: False)
    monkeypatch.setattr("n6prog.doctor.host.RULES", (str(tmp_path),))
    monkeypatch.setattr("sys.platform", "linux")
    done = case.doctor(faults="ap1-closed")
    assert done.findings["W-ACCESS"]["evidence"]["udev_rule"] == "none"
    assert "/etc/udev/rules.d" in done.findings["W-ACCESS"]["cure"]
    (tmp_path / "49-stlinkv3.rules").write_text('# 0483\nATTRS{idVendor}=="0483", MODE="0660"\n')
    assert case.doctor(faults="ap1-closed").checks["access"]["verdict"] == "ok"


def test_f17_a_probe_in_use_names_its_holder(case: Case) -> None:
    with case.board():
        done, seen = case.flash(), case.doctor()
    assert (done.code, seen.code) == (4, 4)
    found = done.findings["E-PROBE-BUSY"]
    assert found["evidence"]["holder"].startswith("process ")
    assert "stlink-server" in found["cure"]
    assert seen.checks["holder"]["verdict"] == "fail"
    assert seen.checks["NOR"]["says"] == "no connection to the chip (E-PROBE-BUSY)"
    assert case.flash().code == 0


def test_f18_two_probes_and_none_named_lists_both(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Probe:
        product_name, is_open = "STLINK-V3", False

        def __init__(self, uid: str) -> None:
            self.unique_id = uid

    monkeypatch.setattr("n6prog.link.find._plugged_in", lambda: [Probe("003A0037"), Probe("004B0048")])
    for command in (["doctor"], ["flash", case.file]):
        assert main([*command, "--json"]) == 3
        end = json.loads(capsys.readouterr().out.splitlines()[-1])["data"]
        found = next(item for item in end["findings"] if item["code"] == "E-PROBE-AMBIGUOUS")
        assert "003A0037 (STLINK-V3), 004B0048 (STLINK-V3)" in found["text"]
        assert "--probe" in found["cure"]


def test_f19_the_serial_port_is_found_by_the_probes_own_number(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As Linux shows it: class/tty/ttyACM7/device is a link to the interface, whose device holds the serial number."""
    for name, serial in (("ttyACM7", case.probe.partition(",")[0] + f",state={case.folder}"), ("ttyACM3", "other")):
        interface = tmp_path / "devices" / name / "1:1.2"
        interface.mkdir(parents=True)
        (interface.parent / "serial").write_text(serial + "\n")
        (tmp_path / "tty" / name).mkdir(parents=True)
        (tmp_path / "tty" / name / "device").symlink_to(interface)
    monkeypatch.setattr("n6prog.doctor.host.is_simulated", lambda probe: False)
    monkeypatch.setattr("n6prog.doctor.serial_ports.TTYS", str(tmp_path / "tty"))
    monkeypatch.setattr("sys.platform", "linux")
    check = case.doctor().checks["serial port"]
    assert (check["verdict"], check["evidence"]["port"]) == ("ok", "/dev/ttyACM7")


@pytest.mark.parametrize("connect", ["auto", "attach", "halt", "under-reset"])
def test_f20_every_connect_mode_flashes(case: Case, connect: str) -> None:
    assert case.flash(case.file, "--connect", connect).code == 0


PACK = {
    "STM32N657X0HxQ": {
        "name": "STM32N657X0HxQ",
        "from_pack": {"vendor": "Keil", "pack": "STM32N6xx_DFP", "version": "1.0.0"},
        "algorithms": [],
        "memories": {"Flash": {"start": 0x3418_0400, "size": 0x3FC00, "access": {"write": False}}},
    }
}


def install_pack(case: Case) -> None:
    folder = case.folder.parent / "data" / "cmsis-pack-manager"
    folder.mkdir(parents=True)
    (folder / "index.json").write_text(json.dumps(PACK))


def test_f24_the_packs_definition_and_the_one_that_wins_are_named(case: Case) -> None:
    install_pack(case)
    done = case.doctor()
    found = done.findings["N-PACK"]
    assert found["evidence"]["pack"] == "Keil.STM32N6xx_DFP 1.0.0"
    assert found["evidence"]["device"] == "STM32N657X0HxQ"
    assert "n6prog.pyocd_plugin.STM32N657" in found["evidence"]["definition"]
    assert "--cbuild-run" in found["cure"]
    assert done.checks["CMSIS-Pack"]["verdict"] == "ok"


def test_f24_without_our_plug_in_the_pack_would_win(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    install_pack(case)
    real = metadata.entry_points
    monkeypatch.setattr(
        "n6prog.doctor.host.metadata.entry_points",
        lambda **how: () if how == {"group": "pyocd.probe"} else real(**how),
    )
    done = case.doctor()
    assert done.checks["CMSIS-Pack"]["verdict"] == "warn"
    assert done.findings["W-PACK"]["evidence"]["definition"] == "the pack's"
    assert "pip install n6prog" in done.findings["W-PACK"]["cure"]


def test_a_damaged_pack_index_is_said_and_nothing_else_suffers(case: Case) -> None:
    install_pack(case)
    (case.folder.parent / "data" / "cmsis-pack-manager" / "index.json").write_text("{")
    done = case.doctor()
    assert done.checks["CMSIS-Pack"]["verdict"] == "not checked"
    assert done.checks["NOR"]["verdict"] == "ok"


def test_f10_a_script_that_connects_is_told_the_same(case: Case) -> None:
    with pytest.raises(TargetUnreachable) as caught:
        n6prog.connect(f"{case.probe},fault=firmware:V3J16M6+hang@1ms")
    assert [found.code for found in caught.value.findings] == ["E-PROBE-HUNG", "W-PROBE-FIRMWARE"]
