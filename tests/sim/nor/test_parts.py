"""Identity and SFDP of the simulated parts against the md5 that Macronix staff published (hw-flash 1)."""

from __future__ import annotations

import hashlib

import pytest

from n6prog.sim.nor.parts import MX25UM51245G, MX66UW1G45G, nor_facts


@pytest.mark.parametrize(
    ("name", "jedec", "size", "md5"),
    [
        ("MX25UM51245G", "c2803a", 64 << 20, "75d81c1eb2fd2767634f1d0dfbb3be35"),
        ("MX66UW1G45G", "c2813b", 128 << 20, "b89a53266007fce06ba7cc4c0956f917"),
    ],
)
def test_sfdp_image_is_the_published_one(name: str, jedec: str, size: int, md5: str) -> None:
    part = nor_facts(name)
    assert part.jedec.hex() == jedec
    assert part.size == size
    assert len(part.sfdp) == 0x13C
    assert hashlib.md5(part.sfdp).hexdigest() == md5


def test_the_two_images_differ_in_three_bytes() -> None:
    pairs = zip(MX25UM51245G.sfdp, MX66UW1G45G.sfdp, strict=True)
    assert [at for at, (one, other) in enumerate(pairs) if one != other] == [0x047, 0x131, 0x132]


def test_typical_times_are_those_of_sfdp() -> None:
    # BFPT DW10/DW11 as decoded in hw-flash 1: 25 ms, 256 ms, 152 us, 192 s
    part = MX25UM51245G
    assert (part.sector_time, part.block_time, part.page_time, part.chip_time) == (
        25 * 10**9,
        256 * 10**9,
        152 * 10**6,
        192 * 10**12,
    )


def test_an_unknown_part_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="MX66UW1G45G"):
        nor_facts("W25Q64")
