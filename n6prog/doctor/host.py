"""Checks of the computer: versions, packs, rights, who holds the probe, its serial port. None opens anything."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from n6prog.doctor.bench import Bench
from n6prog.doctor.explain import explain
from n6prog.doctor.serial_ports import NotSearched, serial_ports
from n6prog.doctor.types import Check, Evidence, judged, not_checked
from n6prog.link import is_simulated
from n6prog.link.definition import target_class

RULES = (
    "/etc/udev/rules.d",
    "/run/udev/rules.d",
    "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
)
_ST = "0483"  # USB vendor of ST-LINK
_DEVICE = "STM32N657"


def check_versions(bench: Bench) -> Check:
    """This program and what it stands on."""
    evidence: Evidence = {
        "n6prog": _version("n6prog"),
        "pyocd": _version("pyocd"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "board": bench.board.name,
        "connect": bench.connect,
    }
    says = f"n6prog {evidence['n6prog']}, pyOCD {evidence['pyocd']}, Python {evidence['python']}, {evidence['system']}"
    return judged("versions", says, evidence)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def check_pack(bench: Bench) -> Check:
    """Whether a CMSIS-Pack in the cache defines this chip, and which definition pyOCD will use."""
    plugged = any(point.name == "n6prog" for point in metadata.entry_points(group="pyocd.probe"))
    ours = target_class("stm32n657x0hxq")
    try:
        packs = _packs()
    except (OSError, ValueError, KeyError, TypeError) as problem:
        return not_checked("CMSIS-Pack", f"the cache's index cannot be read: {problem}", "Run: pyocd pack update")
    base: Evidence = {"definition": f"n6prog's ({ours})" if plugged else "the pack's", "has_flash": int(plugged)}
    if not packs:
        says = f"none in the cache defines this chip; pyOCD uses {base['definition']}"
        return judged("CMSIS-Pack", says if plugged else "none in the cache defines this chip", base)
    device, pack = packs[0]
    evidence: Evidence = {"pack": pack, "device": device, **base}
    says = f"{pack} defines {device}; pyOCD uses {evidence['definition']}"
    return judged("CMSIS-Pack", says, evidence, explain(evidence, pack))


def _packs() -> list[tuple[str, str]]:
    """(device, pack) of every STM32N657 in cmsis-pack-manager's index, which is what `pyocd pack` keeps."""
    from cmsis_pack_manager import Cache

    path = Path(Cache(True, False).index_path)
    if not path.is_file():
        return []
    index = json.loads(path.read_text(encoding="utf-8"))
    found = []
    for device in sorted(name for name in index if name.upper().startswith(_DEVICE)):
        origin = index[device]["from_pack"]
        found.append((device, f"{origin['vendor']}.{origin['pack']} {origin['version']}"))
    return found


def check_holder(bench: Bench) -> Check:
    """Who else has the probe."""
    if bench.failure is not None and bench.failure.code == "E-PROBE-BUSY":
        first = bench.failure.findings[0]
        return judged("holder", first.text, first.evidence, bench.failure.findings)
    if bench.seen is None:
        return not_checked("holder", bench.why_not)
    return judged("holder", "nobody else: the probe could be opened", {"holder": "this process"})


def check_access(bench: Bench) -> Check:
    """Whether the system lets a user open the probe: udev rules on Linux, the driver on Windows."""
    if is_simulated(bench.probe):
        return not_checked("access", "a simulated probe needs no rights")
    if sys.platform == "win32":
        says = "Windows: the debug interface needs ST's driver, or WinUSB (Zadig) on that interface alone"
        return not_checked("access", says, "With another driver on it the probe is not listed, or cannot be opened.")
    if not sys.platform.startswith("linux"):
        return judged("access", "this system needs no rules", {})
    rule = next((str(path) for path in _rules(RULES) if _names_st(path)), "none")
    evidence: Evidence = {"vendor": "ST-LINK", "udev_rule": rule}
    opened = bench.link is not None
    says = f"udev rule {rule}" if rule != "none" else "no udev rule for ST-LINK"
    if opened and rule == "none":
        return judged("access", f"{says}, and it could be opened all the same", evidence)
    return judged("access", says, evidence, explain(evidence, "Linux"))


def _rules(folders: Iterable[str]) -> Iterable[Path]:
    for folder in folders:
        yield from sorted(Path(folder).glob("*.rules"))


def _names_st(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(_ST in line for line in text.splitlines() if not line.lstrip().startswith("#"))


def check_serial(bench: Bench) -> Check:
    """The serial port of the same USB device: the board's console."""
    if is_simulated(bench.probe):
        return not_checked("serial port", "a simulated board has none; n6prog sim serve offers its USART1 on TCP")
    seen = bench.seen
    if seen is None:
        return not_checked("serial port", bench.why_not)
    try:
        ports = serial_ports(seen.unique_id)
    except NotSearched as problem:
        return not_checked("serial port", str(problem), "Look for STLink Virtual COM Port.")
    if not ports:
        return not_checked(
            "serial port", f"no serial port belongs to {seen.unique_id}", "Is the probe's interface enabled?"
        )
    return judged("serial port", f"{', '.join(ports)} (115200 baud in ST's examples)", {"port": ports[0]})
