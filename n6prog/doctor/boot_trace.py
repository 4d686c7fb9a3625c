"""The check of the boot ROM's trace: how the last boot went, by the ROM's own records."""

from __future__ import annotations

from n6prog.doctor import trace
from n6prog.doctor.bench import Bench
from n6prog.doctor.explain import explain
from n6prog.doctor.trace import Attempt, Boot, Record
from n6prog.doctor.types import Check, Evidence, judged, not_checked
from n6prog.errors import TargetUnreachable
from n6prog.findings import Finding
from n6prog.targets import chip

_NAME = "boot trace"
_INFERRED = "which copy a record is about, by the order of the records"


def check_boot_trace(bench: Bench) -> Check:
    """How the last boot went, as the boot ROM wrote it down in RAM. Only reads."""
    if bench.link is None:
        closed = bench.failure is not None and bench.failure.code == "E-AP1-CLOSED"
        return not_checked(_NAME, bench.why_not + (": the trace is in RAM, behind AP1" if closed else ""))
    if _is_off(bench):
        return not_checked(_NAME, "AXISRAM2, where the trace is, was switched off")
    found, foreign = _read(bench)
    if not found:
        what = "none was left, or a program has used that RAM since"
        evidence: Evidence = {"address": f"{chip.BOOT_TRACE_SECURE:#010x}", "foreign_bytes": foreign}
        return not_checked(_NAME, f"no record at {chip.BOOT_TRACE_SECURE:#010x}: {what}", "", evidence)
    boot = trace.interpret(found)
    evidence = _evidence(boot, found, foreign)
    findings = [*explain(evidence, "boot ROM"), *_refusals(boot)]
    return judged(_NAME, _says(boot, foreign), evidence, tuple(findings))


def _is_off(bench: Bench) -> bool:
    """Whether the RAM has no clock or is shut down; RAMCFG is read only while its clock is on."""
    link = bench.live
    if not link.read32(chip.RCC_MEMENR) & chip.RCC_MEMENR_AXISRAM2:
        return True
    clocked = link.read32(chip.RCC_AHB2ENR) & chip.RCC_AHB2_RAMCFG
    return bool(clocked and link.read32(chip.RAMCFG_AXISRAM2_CR) & chip.RAMCFG_CR_SRAMSD)


def _read(bench: Bench) -> tuple[list[Record], int]:
    """The records of both buffers by time, and the bytes beside them.

    The non-secure one only where no program runs: a program may have that address guarded and would be told of us.
    """
    found, foreign = trace.records(bench.live.read(chip.BOOT_TRACE_SECURE, chip.BOOT_TRACE_SIZE))
    if bench.may_borrow:
        try:
            more, beside = trace.records(bench.live.read(chip.BOOT_TRACE_NONSECURE, chip.BOOT_TRACE_SIZE))
        except TargetUnreachable as error:
            if error.code != "E-BUS-FAULT":
                raise
            return found, foreign
        if more:
            found, foreign = sorted((*found, *more), key=lambda record: record.time), foreign + beside
    return found, foreign


def _evidence(boot: Boot, found: list[Record], foreign: int) -> Evidence:
    evidence: dict[str, str | int | float | None] = {
        "records": len(found),
        "codes": " ".join(f"{record.code:#x}" for record in found),
        "foreign_bytes": foreign,
        "boot": boot.mode or "not told",
        "traced_life_cycle": boot.life_cycle or "not told",
        "traced_debug": boot.debug or "not told",
        "locked": int(boot.locked),
    }
    for attempt in boot.attempts:
        evidence[attempt.copy] = _outcome(attempt)
    if boot.attempts:
        evidence["inferred"] = _INFERRED
    return evidence


def _outcome(attempt: Attempt) -> str:
    if attempt.started:
        return f"started, though {attempt.reasons}" if attempt.complaints else "started"
    return f"refused: {attempt.reasons}" if attempt.complaints else "tried, with no outcome told"


def _says(boot: Boot, foreign: int) -> str:
    parts = [boot.mode or "no boot mode told"]
    parts += [f"{attempt.copy} {_outcome(attempt)}" for attempt in boot.attempts]
    parts += [f"life cycle {boot.life_cycle}"] if boot.life_cycle else []
    parts += [f"debug {boot.debug}"] if boot.debug else []
    says = "; ".join(parts)
    if boot.attempts:
        says += " (copies by the order of the records)"
    return says + (", part of it is overwritten" if foreign else "")


def _refusals(boot: Boot) -> list[Finding]:
    found: list[Finding] = []
    for attempt in boot.attempts:
        if attempt.started or not attempt.complaints:
            continue
        seen: Evidence = {
            "copy": attempt.copy,
            "refusal": attempt.reasons,
            "trace_codes": attempt.codes,
            "kind": attempt.kind,
            "inferred": _INFERRED,
        }
        found += explain(seen, "boot ROM")
    return found
