"""The shipped loader image, checked against the digest that was recorded when it was built."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from n6prog.flash_algos import mailbox

IMAGES = Path(__file__).parent / "images"
SHIPPED = IMAGES / "n6loader.bin"
RECORD = "build.json"


class LoaderDamaged(ValueError):
    """The image is not the one that build.json describes; `expected` and `found` are SHA-256 digests in hex."""

    def __init__(self, path: Path, expected: str, found: str) -> None:
        super().__init__(f"{path.name} is damaged: SHA-256 {found}, build.json says {expected}")
        self.expected = expected
        self.found = found


@dataclass(frozen=True, slots=True)
class LoaderImage:
    """Loader code, the address it is linked for, and its entry addresses (with the Thumb bit set).

    `digest` is the SHA-256 of `code` in hex, `version` that of mailbox.toml.
    """

    code: bytes
    base: int
    entries: Mapping[str, int]
    digest: str
    version: str


def load_image(path: str | Path | None = None) -> LoaderImage:
    """The shipped image, or the one at `path` (a file, or the folder it lies in) with its build.json beside it.

    Raises LoaderDamaged when the bytes are not those that were built, OSError when a file is missing.
    """
    file = SHIPPED if path is None else Path(path)
    if file.is_dir():
        file /= SHIPPED.name
    record = json.loads(file.with_name(RECORD).read_text(encoding="utf-8"))
    code = file.read_bytes()
    found = hashlib.sha256(code).hexdigest()
    if found != record["sha256"] or len(code) != record["size"]:
        raise LoaderDamaged(file, record["sha256"], found)
    entries = {name: int(address, 16) for name, address in record["entries"].items()}
    return LoaderImage(code, int(record["base"], 16), MappingProxyType(entries), found, record["version"])


def pyocd_algo(image: LoaderImage | None = None) -> dict[str, Any]:
    """The classic entry points as the `algo` dictionary of a pyOCD FlashRegion.

    The page buffers keep clear of LOADER_KEEP, so no entry can overwrite a page that pyOCD is still filling.
    """
    image = load_image() if image is None else image
    words = memoryview(image.code).cast("I")
    return {
        "load_address": image.base,
        "instructions": list(words),
        "pc_init": image.entries["Init"],
        "pc_unInit": image.entries["UnInit"],
        "pc_program_page": image.entries["ProgramPage"],
        "pc_erase_sector": image.entries["EraseSector"],
        "pc_eraseAll": image.entries["EraseChip"],
        "static_base": image.base,
        "begin_stack": mailbox.LOADER_STACK_TOP,
        "end_stack": mailbox.LOADER_STACK_TOP - mailbox.LOADER_STACK_SIZE,
        "begin_data": mailbox.LOADER_BUFFER,
        "page_size": mailbox.SECTOR_SIZE,
        "page_buffers": [mailbox.LOADER_BUFFER, mailbox.LOADER_TABLE],
        "min_program_length": mailbox.CHUNK_SIZE,
        "analyzer_supported": False,
    }
