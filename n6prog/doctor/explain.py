"""What evidence means: values that were read in, findings of the table out.

The one place where causes are told from symptoms. `link` and `loader` say what was seen: a code, by which they and
the flows decide what to try next, and its evidence. `explain` says what follows from evidence, for the doctor's checks;
`explained` does so for every command that fails. The words of both stand in `findings/`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from n6prog.doctor.types import Evidence
from n6prog.errors import N6ProgError, error_for
from n6prog.findings import ExitCode, Finding, finding
from n6prog.link import firmware_trouble
from n6prog.targets import chip


@dataclass(frozen=True, slots=True)
class Rule:
    """Where all of `needs` are known and `when` holds of them, the finding `code` is told with the whole evidence."""

    code: str
    needs: tuple[str, ...]
    when: Callable[[Evidence], bool]


def _is(name: str, *values: object) -> Callable[[Evidence], bool]:
    return lambda evidence: evidence[name] in values


RULES: tuple[Rule, ...] = (
    # the probe and its wire
    Rule("W-PROBE-FIRMWARE", ("firmware", "trouble"), lambda evidence: bool(evidence["trouble"])),
    Rule("W-VOLTAGE", ("voltage", "low_voltage"), _is("low_voltage", 1)),
    Rule("W-LINK-ERRORS", ("clock", "reads", "errors"), lambda evidence: bool(evidence["errors"])),
    Rule("W-ACCESS", ("vendor", "udev_rule"), _is("udev_rule", "none")),
    Rule("W-PACK", ("pack", "device", "definition", "has_flash"), _is("has_flash", 0)),
    Rule("N-PACK", ("pack", "device", "definition", "has_flash"), _is("has_flash", 1)),
    # the chip
    Rule("W-LOCKUP", ("DHCSR", "lockup"), _is("lockup", 1)),
    Rule("N-PROGRAM", ("VTOR", "owner"), _is("owner", "a program")),
    Rule("N-STACK-LIMIT", ("MSPLIM_S", "owner"), lambda e: e["owner"] == "the boot ROM" and e["MSPLIM_S"] != _ZERO),
    Rule("W-REVISION", ("word_47EC", "word_1004", "cut"), _is("cut", "unknown")),
    Rule("N-BSEC-CLOSED", ("state", "nvstate"), _is("state", "closed")),
    Rule("W-BSEC", ("state", "nvstate"), lambda e: e["state"] not in ("open", "closed")),
    Rule("N-HSLV", ("OTP124", "HSLV_VDDIO3"), _is("HSLV_VDDIO3", 0)),
    Rule(
        "W-RANGE", ("SVMCR3", "rail", "range_1v8", "declared_1v8"), lambda e: e["range_1v8"] == 1 != e["declared_1v8"]
    ),
    Rule("N-RAIL", ("SVMCR3", "rail", "valid"), _is("valid", 0)),
    Rule("N-SYSCFG-OFF", ("APB4ENR2", "syscfg_clock"), _is("syscfg_clock", "off")),
    Rule("N-AXISRAM-OFF", ("banks", "MEMENR", "RAMCFG"), lambda e: bool(e["banks"])),
    Rule("W-XSPIM", ("XSPIM_CR", "flash_port"), _is("flash_port", "XSPI1")),
    Rule(
        "W-MTYP", ("DCR1", "mtyp", "dtr", "swaps_pairs"), lambda e: e["dtr"] == e["swaps_pairs"] == 1 and e["mtyp"] != 1
    ),
    # the boot ROM's trace
    Rule("W-TRACE-SERIAL", ("boot", "codes"), _is("boot", "serial boot")),
    Rule("W-TRACE-LOCKED", ("locked", "traced_life_cycle", "traced_debug"), _is("locked", 1)),
    Rule("W-TRACE-REFUSED", ("copy", "refusal", "trace_codes", "kind"), _is("kind", "header")),
    Rule("W-TRACE-KEYS", ("copy", "refusal", "trace_codes", "kind"), _is("kind", "keys")),
    Rule("W-TRACE-SILENT", ("copy", "trace_codes", "kind"), _is("kind", "silent")),
    # the flash
    Rule("W-OCTAL-LEFT", ("mode",), _is("mode", "8S", "8D")),
    Rule("E-WRONGPART", ("rdid", "board", "part", "expected", "size_mib"), lambda e: e["part"] != e["expected"]),
    Rule("E-NOR-SILENT", ("mode", "rdid", "board"), _is("mode", "none")),
    Rule("W-NOR-PROTECTED", ("SR", "bp"), lambda e: e["bp"] != "0000"),
    Rule("W-NOR-WORK", ("SR", "SCUR", "what"), lambda e: bool(e["what"])),
    # what a first stage needs
    Rule("W-IMAGE-NONE", ("address", "slot", "reader", "reason"), lambda e: bool(e["reason"])),
    Rule("W-IMAGE-ALIGN", ("address", "slot", "table"), lambda e: bool(e["table"])),
    Rule("W-IMAGE-ENTRY", ("address", "slot", "entry", "entry_reason"), lambda e: bool(e["entry_reason"])),
    Rule("E-HDR-SUM", ("address", "slot", "stored", "computed"), lambda e: e["stored"] != e["computed"]),
    Rule("W-IMAGE-VERSION", ("address", "slot", "version", "wanted"), lambda e: e["version"] != e["wanted"]),
    Rule("N-IMAGE-WAITS", ("address", "slot", "boots", "BOOT1"), lambda e: e["boots"] == e["BOOT1"] == 1),
)
_ZERO = "0x00000000"


def explain(evidence: Evidence, subject: str = "") -> tuple[Finding, ...]:
    """The findings that follow from these values, in the order of the table of rules."""
    known = {name: value for name, value in evidence.items() if value is not None}
    return tuple(
        finding(rule.code, subject, **known)
        for rule in RULES
        if all(name in known for name in rule.needs) and rule.when(known)
    )


@dataclass(frozen=True, slots=True)
class Cause:
    """A failure `code` whose evidence satisfies `when` is better told as `means`.

    `subject` names the evidence that becomes the subject; "" keeps the one there is.
    """

    code: str
    means: str
    when: Callable[[Evidence], bool]
    subject: str = ""


CAUSES: tuple[Cause, ...] = (
    # Whatever is wrong with chip or wire, a probe that lives answers; libusb's time-out is a second or more.
    Cause("E-LINK-LOST", "E-PROBE-HUNG", lambda evidence: evidence.get("usb") == "no answer"),
    # ST-LINK measures the target's supply; 1.8 V is the least a powered board has.
    Cause("E-LINK-LOST", "E-POWER-LOST", lambda evidence: _volts(evidence.get("voltage")) < _POWERED),
    # Only a reset closes the core port, until the boot ROM opens it again.
    Cause("E-LINK-LOST", "E-CHIP-RESET", lambda evidence: evidence.get("AP1") == "closed", subject="doing"),
    Cause("E-BUS-FAULT", "E-CHIP-RESET", lambda evidence: evidence.get("AP1") == "closed", subject="doing"),
    # After a reset no word of TCM has a valid ECC until it is written (hw-soc 3).
    Cause("E-BUS-FAULT", "E-TCM-ECC", lambda evidence: _is_tcm(evidence.get("address"))),
)


_POWERED = 1.0


def _volts(told: object) -> float:
    """The number in "3.29 V"; where nothing was measured, more than any supply."""
    try:
        return float(str(told).removesuffix(" V"))
    except ValueError:
        return math.inf


# TCM as large as a reset leaves it (CM55TCMCR 0x87); what lies above is not there unless a program enlarged it.
_TCM = {"itcm": 0x1_0000, "dtcm": 0x2_0000}


def _is_tcm(address: object) -> bool:
    region = chip.region_at(address) if isinstance(address, int) else None
    return isinstance(address, int) and region is not None and address - region.start < _TCM.get(region.kind, 0)


def explained(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings of a command that failed, with the causes that their evidence tells.

    Explained twice they stay the same. Evidence, subject and place are kept; a probe whose firmware is known for
    trouble is told beside what it did.
    """
    told = [_cause(found) for found in findings]
    unreachable = next((found for found in told if found.exit_code == ExitCode.UNREACHABLE), None)
    beside = _beside(unreachable) if unreachable else ()
    return (*told, *(more for more in beside if all(more.code != found.code for found in told)))


def explained_error(error: N6ProgError) -> N6ProgError:
    """The error with its findings explained: the same, or one of the class that the cause's exit code asks for."""
    told = explained(error.findings)
    first = next((found for found in told if found.is_error), None)
    if first is None or error.findings == told or first.exit_code == error.exit_code:
        error.findings = told
        return error
    return error_for(told)


def _cause(found: Finding) -> Finding:
    for cause in CAUSES:
        if cause.code == found.code and cause.when(found.evidence):
            subject = found.evidence.get(cause.subject)
            return finding(cause.means, str(subject or found.subject), **found.evidence)
    return found


def _beside(found: Finding) -> tuple[Finding, ...]:
    firmware = str(found.evidence.get("firmware") or "")
    return explain({"firmware": firmware, "trouble": firmware_trouble(firmware)}, found.subject)
