"""Foreign programs that tests run: where they are."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def find(program: str) -> str | None:
    """The path of a program on PATH or beside this Python (what pip installed), None when there is none."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", os.defpath), beside)))
