"""The check word of a descriptor, by hand from mailbox.toml."""

from __future__ import annotations

from dataclasses import replace

from n6prog.flash_algos.mailbox import Descriptor


def checked(job: Descriptor) -> Descriptor:
    """The job with its check word: a hash of all words but that one, which is the last but one."""
    raw = job.pack()
    words = [int.from_bytes(raw[at : at + 4], "little") for at in range(0, len(raw), 4)]
    check = 0
    for word in (*words[:-2], words[-1]):
        check = (check ^ word) * 0x9E37_79B1 % 2**32
        check ^= check >> 15
    return replace(job, check=check)
