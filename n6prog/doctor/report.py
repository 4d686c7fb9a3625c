"""The examination as one file to send along with a question: what was found, as text and as data, and the log."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from n6prog.doctor.examine import Examination
from n6prog.errors import UsageError

TEXT, DATA, LOG = "doctor.txt", "doctor.json", "log.txt"


def write_report(
    path: Path, found: Examination, lines: Sequence[str], log: str, settings: Mapping[str, object]
) -> None:
    """Write the bundle, whole or not at all. `lines`: what people were told. Raises UsageError E-NO-WRITE."""
    data = {
        "settings": dict(settings),
        "swd_clock_hz": found.swd_clock_hz,
        "virtual_seconds": found.virtual_seconds,
        "checks": [check.as_dict() for check in found.checks],
        "findings": [item.as_dict() for item in found.findings],
    }
    texts = {TEXT: "\n".join(lines) + "\n", DATA: json.dumps(data, indent=1) + "\n", LOG: log}
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        try:
            with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as bundle:
                for member, text in texts.items():
                    bundle.writestr(member, text)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as problem:
        raise UsageError.of("E-NO-WRITE", str(path), reason=problem.strerror or str(problem)) from problem
