"""Which serial port belongs to a probe, on trees and registries as the systems keep them (users.md F19)."""

from __future__ import annotations

import plistlib
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from n6prog.doctor import serial_ports
from n6prog.doctor.serial_ports import NotSearched, of_macos, of_windows

from .conftest import Case

UID, OTHER = "003A00373532510E31333430", "004B00483532510E31333430"

Tree = dict[str, Any]


# --- macOS: nodes of the device registry, the ports below the interfaces of their device ---


def usb_device(serial: str, *ports: str, key: str = "USB Serial Number") -> Tree:
    interfaces = [
        {"IOObjectClass": "IOUSBHostInterface", "IORegistryEntryChildren": [{"IOCalloutDevice": port}]}
        for port in ports
    ]
    mine = {key: serial} if serial else {}
    return {"IOObjectClass": "IOUSBHostDevice", "idVendor": 0x0483, **mine, "IORegistryEntryChildren": interfaces}


def listing(*devices: Tree) -> bytes:
    return plistlib.dumps(list(devices))


@pytest.mark.parametrize("key", ["USB Serial Number", "kUSBSerialNumberString"])
def test_macos_gives_the_callout_device_below_the_probe(key: str) -> None:
    two = listing(
        usb_device(OTHER, "/dev/cu.usbmodem11103", key=key), usb_device(UID, "/dev/cu.usbmodem11203", key=key)
    )
    assert of_macos(UID.lower(), two) == ["/dev/cu.usbmodem11203"]


def test_macos_a_probe_behind_a_hub_is_listed_twice_and_told_once() -> None:
    probe = usb_device(UID, "/dev/cu.usbmodem11203")
    hub = {**usb_device(OTHER), "IORegistryEntryChildren": [probe, usb_device("", "/dev/cu.usbserial-1")]}
    assert of_macos(UID, listing(hub, probe)) == ["/dev/cu.usbmodem11203"]


@pytest.mark.parametrize("printed", [b"", b"\n", listing(), listing(usb_device(UID)), plistlib.dumps({"a": 1})])
def test_macos_no_port_is_none(printed: bytes) -> None:
    assert of_macos(UID, printed) == []


@pytest.mark.parametrize("printed", [b"+-o Root  <class IORegistryEntry>", b"<plist><array>"])
def test_macos_what_is_no_property_list_is_told(printed: bytes) -> None:
    with pytest.raises(NotSearched, match="no property list"):
        of_macos(UID, printed)


# --- Windows: Enum\\USB, where a composite device names the prefix of its interfaces' keys ---

ENUM = "SYSTEM\\CurrentControlSet\\Enum\\USB"


class FakeRegistry:
    """Keys by their path below Enum\\USB: their values."""

    def __init__(self, keys: dict[str, dict[str, str]]) -> None:
        self.keys = {f"{ENUM}\\{path}": values for path, values in keys.items()}

    def subkeys(self, path: str) -> list[str]:
        below = [key.removeprefix(path + "\\") for key in self.keys if key.startswith(path + "\\")]
        return sorted({key.split("\\")[0] for key in below})

    def text(self, path: str, name: str) -> str:
        return self.keys.get(path, {}).get(name, "")


def composite(serial: str, prefix: str, port: str) -> dict[str, dict[str, str]]:
    """An STLINK-V3: debug interface, mass storage, serial port."""
    model = "VID_0483&PID_374E"
    return {
        f"{model}\\{serial}": {"ParentIdPrefix": prefix},
        f"{model}&MI_00\\{prefix}&0000": {"Service": "WINUSB"},
        f"{model}&MI_01\\{prefix}&0001": {"Service": "USBSTOR"},
        f"{model}&MI_02\\{prefix}&0002": {"Service": "usbser"},
        f"{model}&MI_02\\{prefix}&0002\\Device Parameters": {"PortName": port},
    }


def test_windows_gives_the_port_of_the_probes_own_interface() -> None:
    registry = FakeRegistry({**composite(UID, "7&1a2b3c4d&0", "COM4"), **composite(OTHER, "7&1a2b3c4d&1", "COM3")})
    assert of_windows(UID.lower(), registry) == ["COM4"]
    assert of_windows(OTHER, registry) == ["COM3"]


def test_windows_a_device_with_one_interface_has_the_port_itself() -> None:
    key = f"VID_0483&PID_5740\\{UID}"
    assert of_windows(UID, FakeRegistry({key: {}, f"{key}\\Device Parameters": {"PortName": "COM9"}})) == ["COM9"]


def test_windows_a_prefix_is_not_taken_for_a_longer_one() -> None:
    registry = FakeRegistry({**composite(UID, "7&1a2b&1", "COM4"), **composite(OTHER, "7&1a2b&12", "COM3")})
    assert of_windows(UID, registry) == ["COM4"]


@pytest.mark.parametrize("drop", ["ParentIdPrefix", "PortName"])
def test_windows_without_the_link_or_the_name_no_port_is_guessed(drop: str) -> None:
    keys = composite(UID, "7&1a2b3c4d&0", "COM4")
    kept = {key: {name: value for name, value in values.items() if name != drop} for key, values in keys.items()}
    assert of_windows(UID, FakeRegistry(kept)) == []
    assert of_windows(UID, FakeRegistry({})) == []


# --- through the doctor ---


def on_system(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr("n6prog.doctor.host.is_simulated", lambda probe: False)
    monkeypatch.setattr(serial_ports, "sys", SimpleNamespace(platform=platform))


def serial_check(case: Case) -> dict[str, Any]:
    check: dict[str, Any] = case.doctor().checks["serial port"]
    return check


def uid(case: Case) -> str:
    return f"sim:{case.probe_board},state={case.folder}"


def test_f19_the_doctor_names_the_port_on_macos(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], **_: object) -> Any:
        asked.append(command)
        return SimpleNamespace(stdout=listing(usb_device(uid(case), "/dev/cu.usbmodem11203")))

    on_system(monkeypatch, "darwin")
    monkeypatch.setattr(subprocess, "run", run)
    check = serial_check(case)
    assert (check["verdict"], check["evidence"]["port"]) == ("ok", "/dev/cu.usbmodem11203")
    assert asked == [("/usr/sbin/ioreg", "-a", "-l", "-r", "-c", "IOUSBHostDevice")]


@pytest.mark.parametrize(
    "problem", [FileNotFoundError(2, "no such file"), subprocess.TimeoutExpired("ioreg", 10), OSError("x")]
)
def test_f19_an_ioreg_that_does_not_work_is_told(
    case: Case, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def run(*_: object, **__: object) -> None:
        raise problem

    on_system(monkeypatch, "darwin")
    monkeypatch.setattr(subprocess, "run", run)
    check = serial_check(case)
    assert check["verdict"] == "not checked"
    assert check["says"].startswith("ioreg does not list the USB devices")


def test_f19_the_doctor_names_the_port_on_windows(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    on_system(monkeypatch, "win32")
    registry = FakeRegistry(composite(uid(case), "7&1a2b3c4d&0", "COM4"))
    monkeypatch.setattr(serial_ports, "LocalMachine", lambda: registry)
    check = serial_check(case)
    assert (check["verdict"], check["evidence"]["port"]) == ("ok", "COM4")


def test_f19_a_system_that_is_not_searched_is_told(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    on_system(monkeypatch, "freebsd14")
    check = serial_check(case)
    assert (check["verdict"], check["says"]) == ("not checked", "the serial ports of this system are not searched")


def test_a_computer_without_such_devices_has_no_ports() -> None:
    assert of_windows(UID, serial_ports.LocalMachine()) == []
