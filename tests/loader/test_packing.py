"""When a payload travels packed, and that it is the raw deflate which the chip reads."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n6prog.loader.packing import INFLATE_SECONDS_A_BYTE, deflate, packed

SLOW, FAST = 80_000.0, 2_000_000.0  # bytes a second: SWD at 1 and 24 MHz


@given(st.binary(max_size=70_000))
def test_deflate_is_raw(data: bytes) -> None:
    assert zlib.decompress(deflate(data), -15) == data


def test_what_packs_well_travels_packed() -> None:
    data = b"weights" * 9000
    small = packed(data, SLOW)
    assert small is not None
    assert zlib.decompress(small, -15) == data


def test_noise_travels_as_it_is() -> None:
    assert packed(random.Random(1).randbytes(65536), SLOW) is None


def test_a_fast_link_is_not_slowed_down_by_unpacking() -> None:
    # Half of it packs: 16 ms saved of 33 at 2 MB/s, and 26 ms to unpack.
    data = random.Random(1).randbytes(32768) + bytes(32768)
    assert 65536 * INFLATE_SECONDS_A_BYTE > 32768 / FAST
    assert packed(data, FAST) is None
    assert packed(data, SLOW) is not None


def test_packed_must_gain_a_tenth() -> None:
    rng = random.Random(2)
    data = rng.randbytes(60000) + bytes(5536)  # about 92 percent of the size, before it is unpacked
    assert 0.9 < len(deflate(data)) / len(data) < 0.95
    assert packed(data, SLOW) is None


def test_a_payload_is_no_larger_than_a_block() -> None:
    with pytest.raises(ValueError, match="65536"):
        packed(bytes(65537), SLOW)
