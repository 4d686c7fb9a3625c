"""Checks of the NOR and of what lies in it."""

from __future__ import annotations

from collections.abc import Mapping

from n6prog.doctor.bench import Bench
from n6prog.doctor.borrow import NotNow
from n6prog.doctor.explain import explain
from n6prog.doctor.nor_reading import NorReading, rdid_text, read_nor
from n6prog.doctor.target import HALT_ADVICE, OWNED
from n6prog.doctor.types import Check, Evidence, judged, not_checked
from n6prog.findings import Finding
from n6prog.image import stm2
from n6prog.nor import sfdp
from n6prog.nor.registers import WIP, protection
from n6prog.targets import chip
from n6prog.targets.schema import Slot, part_by_jedec

_PSB, _ESB = 1 << 2, 1 << 3  # SCUR
_READERS = {"fsbl": "the boot ROM", "fsbl-b": "the boot ROM", "app": "ST's first stage"}

_AT_WORK, _WAIT = "the flash is at work and answers its registers only", "Wait a moment, and run it again."


def reading(bench: Bench) -> NorReading | Check:
    """What the NOR said, looked at once; or the reason why nobody asked it, as a check without a name."""
    if bench.nor is None:
        bench.nor = _reading(bench)
    return bench.nor


def _reading(bench: Bench) -> NorReading | Check:
    if bench.link is None:
        return not_checked("", bench.why_not)
    if not bench.may_borrow:
        return not_checked("", OWNED, HALT_ADVICE)
    try:
        return read_nor(bench)
    except NotNow as problem:
        return not_checked("", problem.reason, "Use --connect under-reset, or cycle the power.", problem.evidence)


def _named(name: str, check: Check) -> Check:
    return Check(name, check.verdict, check.says, check.evidence, check.advice, check.findings)


def _silent(name: str) -> Check:
    return not_checked(name, "no flash answers", "See the check of the NOR's identity.")


def check_identity(bench: Bench) -> Check:
    """Who the NOR is, and which bus mode it was found in."""
    found = reading(bench)
    if isinstance(found, Check):
        return _named("NOR", found)
    answers: Evidence = {f"rdid_{mode}": data[:3].hex(" ").upper() for mode, data in found.answers.items()}
    if not found.mode:
        svmcr3 = bench.live.read32(chip.PWR_SVMCR3)
        rdid = rdid_text(found.answers)
        evidence: Evidence = {
            "mode": "none",
            "rdid": rdid,
            "board": bench.board.name,
            "SVMCR3": f"{svmcr3:#010x}",
        }
        return judged("NOR", f"no flash answers in 1S, 8S or 8D ({rdid})", evidence, explain(evidence, "NOR"))
    if not found.jedec:
        return not_checked("NOR", _AT_WORK, _WAIT, {"mode": found.mode, "SR": f"{found.sr:#04x}"})
    part = part_by_jedec(found.jedec)
    jedec = found.jedec.hex(" ").upper()
    evidence = {
        "mode": found.mode,
        "rdid": jedec,
        **answers,
        "board": bench.board.name,
        "part": part.name if part else None,
        "size_mib": part.size >> 20 if part else None,
        "expected": bench.part.name,
    }
    name = part.name if part else "a part in no table"
    says = f"{name} (RDID {jedec}), found in {found.mode}"
    return judged("NOR", says, evidence, explain(evidence, "NOR"))


def check_sfdp(bench: Bench) -> Check:
    """What the NOR says of itself, against the table."""
    found = reading(bench)
    if isinstance(found, Check):
        return _named("SFDP", found)
    if not found.mode:
        return _silent("SFDP")
    if not found.sfdp:
        return not_checked("SFDP", _AT_WORK, _WAIT)
    part = part_by_jedec(found.jedec)
    try:
        tables = sfdp.parse(found.sfdp)
    except sfdp.SfdpError as problem:
        evidence: Evidence = {
            "sfdp": found.sfdp[:16].hex(" "),
            "reason": problem.reason,
            "known": int(part is not None),
        }
        return judged("SFDP", f"not usable: {problem.reason}", evidence, explain(evidence, "NOR"))
    evidence = {
        "revision": ".".join(map(str, tables.revision)),
        "size_mib": tables.size >> 20,
        "table_mib": part.size >> 20 if part else None,
        "page": tables.page,
        "erases": ", ".join(f"{item.size >> 10} KiB by {item.opcode:02X}h" for item in tables.erases),
    }
    says = f"{tables.size >> 20} MiB, pages of {tables.page}, erases {evidence['erases']}"
    return judged("SFDP", says, evidence, explain(evidence, "NOR"))


def check_protection(bench: Bench) -> Check:
    """Status and protection."""
    found = reading(bench)
    if isinstance(found, Check):
        return _named("NOR status", found)
    if not found.mode:
        return _silent("NOR status")
    work = [
        text
        for bit, text in (
            (found.sr & WIP, "a program or an erase"),
            (found.scur & _PSB, "a suspended program"),
            (found.scur & _ESB, "a suspended erase"),
        )
        if bit
    ]
    evidence: Evidence = {
        "SR": f"{found.sr:#04x}",
        "SCUR": f"{found.scur:#04x}",
        "bp": protection(found.sr),
        "what": " and ".join(work),
    }
    says = f"SR {evidence['SR']}, SCUR {evidence['SCUR']}, BP {evidence['bp']}"
    return judged("NOR status", says, evidence, explain(evidence, "NOR"))


def check_images(bench: Bench) -> Check:
    """What lies at both copies of the first stage and in the slots that want a header."""
    found = reading(bench)
    if isinstance(found, Check):
        return _named("images", found)
    if not found.mode:
        return _silent("images")
    if not found.heads:
        return not_checked("images", _AT_WORK, _WAIT)
    wanted = chip.cut_of(*(bench.once(address) for address in chip.REVISION_WORDS))
    evidence: dict[str, str | int | float | None] = {}
    findings: list[Finding] = []
    told: list[str] = []
    some_stage_boots = _boots(found, "fsbl") or _boots(found, "fsbl-b")
    for slot in bench.board.slots:
        if slot.name not in found.heads:
            continue
        seen = {**_image(slot, found, wanted.header if wanted else None), "BOOT1": bench.boot1}
        evidence[slot.name] = str(seen["is"])
        told.append(f"{slot.name} {seen['is']}")
        if "body" in seen:
            evidence[f"{slot.name} body"] = seen["body"]
            told[-1] += f", body {seen['body']}"
        # A blank second copy or application slot is no fault by itself.
        if not seen["blank"] or (slot.name == "fsbl" and not some_stage_boots):
            findings += explain(seen, f"the image at {slot.start:#010x} (slot {slot.name})")
    return judged("images", "; ".join(told), evidence, tuple(findings))


def _boots(found: NorReading, slot: str) -> bool:
    return found.heads.get(slot, b"")[:4] == stm2.MAGIC


def _image(slot: Slot, found: NorReading, wanted: str | None) -> Evidence:
    """What a slot holds as evidence; the body is judged where it was read."""
    head = found.heads[slot.name]
    seen: dict[str, str | int | float | None] = {
        "address": slot.start,
        "slot": slot.name,
        "reader": _READERS.get(slot.name, "its reader"),
        "blank": int(not head.strip(b"\xff")),
    }
    if seen["blank"]:
        return seen | {"is": "blank", "reason": "it reads FF, erased or never written"}
    header = stm2.parse(head)
    if header is None:
        return seen | {"is": "without header", "reason": f"it starts with {head[:4].hex(' ')}, not with STM2"}
    image = found.images.get(slot.name)
    faults = {fault.code: fault for fault in (*stm2.verify(header, image or head, slot.name), *_stage(header, slot))}
    for code in ("E-HDR-VERSION", "E-HDR-TRUNCATED", "E-HDR-FIELD"):
        if code in faults:
            return seen | {"is": "a damaged header", "reason": faults[code].text}
    seen |= {"is": f"STM2 {header.version}, {header.total} bytes, entry {header.entry:#010x}", "wanted": wanted}
    seen |= {"version": header.version, "entry": f"{header.entry:#010x}", **_body(header, image, faults)}
    if "E-HDR-ALIGN" in faults:
        seen["table"] = f"{header.size:#x}"
    elif "E-HDR-ENTRY" in faults:
        seen["entry_reason"] = str(faults["E-HDR-ENTRY"].evidence["reason"])
    elif slot.name.startswith("fsbl") and header.version == wanted and "E-HDR-SUM" not in faults:
        seen["boots"] = 1
    return seen


def _body(header: stm2.Header, image: bytes | None, faults: Mapping[str, Finding]) -> Evidence:
    """Whether the body fits the header's checksum, with both sums where it does not."""
    if image is None:
        return {"body": f"not checked: {-(-header.length // 1024)} KiB"}
    wrong = faults.get("E-HDR-SUM")
    if wrong is None:
        return {"body": "checksum right"}
    return {"body": "checksum wrong", "stored": wrong.evidence["stored"], "computed": wrong.evidence["computed"]}


def _stage(header: stm2.Header, slot: Slot) -> tuple[Finding, ...]:
    return stm2.verify_fsbl(header, slot.name) if slot.name.startswith("fsbl") else ()
