"""The digest sees what its docstring promises to see, and its known gap is the one that is written down."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from n6prog.nor.digest import BLANK_SECTOR, PRIME, digest, digests

P = 2**64 - 40503
W = 0x9E3779B97F4A7C15
WHITE_BYTES = W.to_bytes(8, "little") * 512


def horner(sector: bytes) -> int:
    """The way the chip computes it: 64-bit words from the last to the first, 2**64 replaced by 40503."""
    value = 0
    for at in range(len(sector) - 8, -1, -8):
        value = (value * 40503 + (int.from_bytes(sector[at : at + 8], "little") ^ W)) % P
    return value


def sectors() -> st.SearchStrategy[bytes]:
    return st.integers(0, 2**32).map(lambda seed: random.Random(seed).randbytes(4096))


def white(number: int) -> bytes:
    """The sector that is `number` once it is whitened."""
    return (number ^ int.from_bytes(WHITE_BYTES, "little")).to_bytes(4096, "little")


def with_bit(bit: int) -> bytes:
    return white(1 << bit)


def test_the_modulus_is_prime() -> None:
    assert PRIME == P
    # Miller-Rabin with the first twelve primes as bases decides below 3.3e24 (Sorenson and Webster 2015).
    odd, twos = P - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        x = pow(base, odd, P)
        assert x == 1 or any(pow(x, 2**step, P) == P - 1 for step in range(twos))


def test_an_erased_sector_is_the_geometric_sum_of_the_constants_complement() -> None:
    assert sum((2**64 - 1 - W) * pow(2, 64 * n, P) for n in range(512)) % P == BLANK_SECTOR
    assert digest(b"\xff" * 4096) == BLANK_SECTOR


def test_the_whitening_constant_is_zero_and_bytes_count_from_the_low_end() -> None:
    assert digest(WHITE_BYTES) == 0
    assert digest(white(0x0102)) == 0x0102
    assert digest(with_bit(64)) == 40503
    assert digest(with_bit(128)) == 40503 * 40503


@settings(max_examples=30, deadline=None)
@given(sectors())
def test_it_is_horners_rule_over_64_bit_words(sector: bytes) -> None:
    assert digest(sector) == horner(sector)


def test_no_pair_of_flipped_bits_is_missed() -> None:
    power = 1
    for _ in range(1, 32768):
        power = power * 2 % P
        assert power not in (1, P - 1)


@settings(max_examples=100, deadline=None)
@given(sectors(), st.integers(0, 32767), st.integers(0, 32767))
def test_flipping_one_or_two_bits_changes_it(sector: bytes, first: int, second: int) -> None:
    number = int.from_bytes(sector, "little")
    flipped = number ^ (1 << first | 1 << second)
    assert digest(flipped.to_bytes(4096, "little")) != digest(sector)


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=7, max_size=7), st.binary(min_size=7, max_size=7), st.integers(0, 4089))
def test_a_changed_run_of_seven_bytes_changes_it(old: bytes, new: bytes, at: int) -> None:
    around = bytes(range(256)) * 16
    one, other = (around[:at] + part + around[at + 7 :] for part in (old, new))
    assert (digest(one) == digest(other)) == (old == new)


def test_the_gap_that_is_written_down_is_real() -> None:
    erased = b"\xff" * 8 + bytes(4088)
    for number in (58, 40502, 0, 1):  # the partners an unwhitened residue would have had among natural numbers
        assert digest(erased) != digest(number.to_bytes(8, "little") + bytes(4088))
    assert digest(white(5)) == digest(white(5 + P))


def test_digests_go_sector_by_sector() -> None:
    data = with_bit(3) + b"\xff" * 4096
    assert digests(data) == [8, BLANK_SECTOR]
    assert digests(memoryview(data)[4096:]) == [BLANK_SECTOR]
    assert digests(b"") == []


@pytest.mark.parametrize("length", [0, 1, 4095, 4097, 8192])
def test_a_sector_of_any_other_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="4096"):
        digest(bytes(length))
