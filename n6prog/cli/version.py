"""`--version`: the tool's version, and which loader it would put on the chip."""

from __future__ import annotations

import json
from pathlib import Path


def version_text() -> str:
    """Two lines: n6prog's version; the loader's version, SHA-256 and compiler as recorded when it was built."""
    import n6prog
    import n6prog.flash_algos

    record = Path(n6prog.flash_algos.__file__).parent / "images" / "build.json"
    try:
        build = json.loads(record.read_text(encoding="utf-8"))
        compiler = build["compiler"]["name"]
        loader = f"loader {build['version']} sha256 {build['sha256']} ({compiler})"
    except (OSError, ValueError, KeyError, TypeError) as bad:
        loader = f"loader: its record cannot be read ({bad})"
    return f"n6prog {n6prog.__version__}\n{loader}"
