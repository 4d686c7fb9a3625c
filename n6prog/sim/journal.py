"""The journal of a state folder, `board.json`: how it is written, and how much of one is believed.

It ends with a digest of the rest. A journal that was edited, cut short or written by another version is no state that a
chip was ever in: the board starts anew, as after a power cut. What names the board is taken from any journal, each item
for itself as far as it makes sense.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from n6prog.sim.bootrom.rom import REVISION_WORDS
from n6prog.sim.faults import NEVER
from n6prog.sim.nor.parts import PARTS
from n6prog.sim.soc.boards import BOARDS

VERSION = 2
_DIGEST = "sha256"
# What taking back a state raises that another program than this one saved, whatever its digest says.
UNUSABLE = (LookupError, TypeError, ValueError, AssertionError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal tells; None where it does not. `time` is picoseconds.

    `state` is the volatile state, None where there is none to go on from: `in_use` says that somebody has the board or
    died with it, `problem` what is wrong with the journal, `other_version` that another program version wrote it.
    """

    board: str | None = None
    part: str | None = None
    rev: str | None = None
    boot1: int | None = None
    time: int = 0
    state: dict[str, Any] | None = field(default=None, repr=False)
    in_use: bool = False
    problem: str | None = None
    other_version: bool = False


def encode(contents: Mapping[str, object]) -> str:
    """The text of a journal with these contents."""
    plain = json.loads(json.dumps({**contents, "version": VERSION}))
    return json.dumps({**plain, _DIGEST: _digest(plain)})


def load(path: Path) -> Journal:
    """What lies at `path`; nothing, and nonsense, are journals that tell nothing."""
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Journal()
    except (OSError, ValueError, RecursionError):
        return Journal(problem="damaged: not JSON")
    if not isinstance(contents, dict):
        return Journal(problem="damaged: not a journal")
    digest, version, in_use = contents.pop(_DIGEST, None), contents.get("version"), contents.get("in_use")
    state = problem = None
    other = type(version) is int and version != VERSION
    if other:
        problem = f"of version {version}, this program knows {VERSION}"
    elif in_use is not True:
        if digest == _digest(contents):
            state = contents
        else:
            problem = "damaged or edited: its digest does not fit"
    time, boot1 = contents.get("time"), contents.get("boot1")
    return Journal(
        board=_one_of(BOARDS, contents.get("board")),
        part=_one_of({part.name for part in PARTS.values()}, contents.get("part")),
        rev=_one_of(REVISION_WORDS, contents.get("rev")),
        boot1=boot1 if type(boot1) is int and boot1 in (0, 1) else None,
        time=time if type(time) is int and 0 <= time < NEVER else 0,
        state=state,
        in_use=in_use is True,
        problem=problem,
        other_version=other,
    )


def _one_of(known: Mapping[str, object] | set[str], value: object) -> str | None:
    return value if isinstance(value, str) and value in known else None


def _digest(contents: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
