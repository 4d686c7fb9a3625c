"""The serial ports of a USB device, by its serial number, from what each system keeps of its devices.

Nothing is opened. Linux: sysfs. macOS: the registry of devices that `ioreg` prints. Windows: the Enum branch of the
registry, where the key of a composite device names the prefix (ParentIdPrefix) of the keys of its interfaces. On
macOS and Windows it was never run: tested on trees and keys made by what is known of them.
"""

from __future__ import annotations

import plistlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from xml.parsers.expat import ExpatError

TTYS = "/sys/class/tty"
_IOREG = ("/usr/sbin/ioreg", "-a", "-l", "-r", "-c", "IOUSBHostDevice")  # as property list, with what hangs below
_IOREG_PATIENCE = 10.0  # seconds
_SERIAL_KEYS = ("USB Serial Number", "kUSBSerialNumberString")
_USB = "SYSTEM\\CurrentControlSet\\Enum\\USB"


class NotSearched(Exception):
    """The ports of this system cannot be searched; the text says why."""


class Registry(Protocol):
    """HKEY_LOCAL_MACHINE, to read."""

    def subkeys(self, path: str) -> list[str]:
        """Names of the keys below; none where the key is not there."""

    def text(self, path: str, name: str) -> str:
        """A value that is text; "" where there is none."""


if sys.platform == "win32":
    import winreg

    class LocalMachine:
        """The registry of this computer. Keys that are not there, or not for us, are empty."""

        def subkeys(self, path: str) -> list[str]:
            """As Registry says."""
            try:
                with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
                    return [winreg.EnumKey(key, number) for number in range(winreg.QueryInfoKey(key)[0])]
            except OSError:
                return []

        def text(self, path: str, name: str) -> str:
            """As Registry says."""
            try:
                with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
                    return str(winreg.QueryValueEx(key, name)[0])
            except OSError:
                return ""

else:

    class LocalMachine:
        """The registry that other systems have not."""

        def subkeys(self, path: str) -> list[str]:
            """None."""
            return []

        def text(self, path: str, name: str) -> str:
            """None."""
            return ""


def serial_ports(uid: str) -> list[str]:
    """Names of the ports of the device with this serial number, as programs open them. Raises NotSearched."""
    if sys.platform.startswith("linux"):
        found = of_linux(uid, Path(TTYS))
    elif sys.platform == "darwin":
        found = of_macos(uid, _ioreg())
    elif sys.platform == "win32":
        found = of_windows(uid, LocalMachine())
    else:
        raise NotSearched("the serial ports of this system are not searched")
    return found


def of_linux(uid: str, ttys: Path) -> list[str]:
    """`ttys` is sysfs' list of them."""
    found = []
    for tty in sorted(ttys.glob("tty*")):
        device = tty / "device"
        if not device.exists():
            continue
        for folder in (device.resolve(), *device.resolve().parents):
            serial = folder / "serial"
            if serial.is_file():
                if _same(serial.read_text(encoding="utf-8", errors="replace"), uid):
                    found.append(f"/dev/{tty.name}")
                break
    return found


def of_macos(uid: str, listing: bytes) -> list[str]:
    """`listing` is what `ioreg` printed; "" where no USB device is there. Raises NotSearched."""
    try:
        roots = plistlib.loads(listing) if listing.strip() else []
    except (ValueError, ExpatError) as problem:
        raise NotSearched(f"ioreg prints no property list: {problem}") from problem
    return sorted(set(_callouts(roots, "", uid)))


def _callouts(nodes: object, serial: str, uid: str) -> Iterator[str]:
    """Ports below the device with that number; a node without a number of its own belongs to the one above it."""
    for node in nodes if isinstance(nodes, list) else []:
        if not isinstance(node, dict):
            continue
        own = next((str(node[key]) for key in _SERIAL_KEYS if key in node), serial)
        if "IOCalloutDevice" in node and _same(own, uid):
            yield str(node["IOCalloutDevice"])
        yield from _callouts(node.get("IORegistryEntryChildren"), own, uid)


def of_windows(uid: str, registry: Registry) -> list[str]:
    """Devices that were here before have keys, too; but this one is here, and its interfaces keep their ports."""
    found = []
    models = registry.subkeys(_USB)
    for model in models:
        for device in registry.subkeys(f"{_USB}\\{model}"):
            if "&MI_" in model.upper() or not _same(device, uid):
                continue
            key = f"{_USB}\\{model}\\{device}"
            found.append(_port(registry, key))
            found += _interface_ports(registry, models, model, registry.text(key, "ParentIdPrefix"))
    return sorted({port for port in found if port})


def _interface_ports(registry: Registry, models: list[str], model: str, prefix: str) -> Iterator[str]:
    """VID_0483&PID_374E has its interfaces under VID_0483&PID_374E&MI_01 and so on, as prefix&0001."""
    if not prefix:
        return
    for name in models:
        if not name.upper().startswith(f"{model.upper()}&MI_"):
            continue
        for interface in registry.subkeys(f"{_USB}\\{name}"):
            if interface.upper().startswith(f"{prefix.upper()}&"):
                yield _port(registry, f"{_USB}\\{name}\\{interface}")


def _port(registry: Registry, key: str) -> str:
    return registry.text(f"{key}\\Device Parameters", "PortName")


def _same(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()


def _ioreg() -> bytes:
    try:
        done = subprocess.run(_IOREG, capture_output=True, check=True, timeout=_IOREG_PATIENCE)  # noqa: S603  (fixed)
    except (OSError, subprocess.SubprocessError) as problem:
        raise NotSearched(f"ioreg does not list the USB devices: {problem}") from problem
    return done.stdout
