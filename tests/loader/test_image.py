"""Getting the code into RAM: what arrives wrong is sent again, what keeps arriving wrong is not started."""

from __future__ import annotations

from dataclasses import replace

import pytest

from n6prog.errors import FlashFailure
from n6prog.loader.image import check_word, send
from tests.helpers.fake_chip import ENTRIES, IMAGE, RAM, FakeLink

CHECKED = replace(IMAGE, entries={**ENTRIES, "n6_check": 0x34070141})
AT = IMAGE.base - RAM


class Link(FakeLink):
    """The first `damaged` writes flip a bit at `where` of the image; n6_check says `answer`, or what is so."""

    damaged = 0
    where = 0x341
    answer: int | None = None
    read_bytes = 0

    def write(self, address: int, data: bytes) -> None:
        super().write(address, data)
        if self.damaged:
            self.damaged -= 1
            self.ram[AT + self.where] ^= 0x10

    def read(self, address: int, size: int) -> bytes:
        self.read_bytes += size
        return super().read(address, size)

    def call(self, entry: int, *args: int, **options: object) -> int:
        assert (entry, args) == (0x34070141, (IMAGE.base, len(IMAGE.code)))
        return check_word(bytes(self.ram[AT : AT + args[1]])) if self.answer is None else self.answer


def arrived(link: Link) -> bool:
    return bytes(link.ram[AT : AT + len(IMAGE.code)]) == IMAGE.code


def test_the_check_word_is_that_of_the_chip() -> None:
    assert check_word(b"") == 0
    # One word w: (0 rotated ^ w) * 0x9E3779B1. Two: rotate that left by 5, XOR, multiply again.
    assert check_word((1).to_bytes(4, "little")) == 0x9E3779B1
    # 0x9E3779B1 rotated left by 5 is 0xC6EF3633; ^ 2 = 0xC6EF3631; times 0x9E3779B1 modulo 2**32
    assert check_word(bytes([1, 0, 0, 0, 2, 0, 0, 0])) == 0xC6EF3631 * 0x9E3779B1 % 2**32


def test_an_image_that_checks_itself_is_not_read_back_whole() -> None:
    link = Link()
    send(link, CHECKED)  # type: ignore[arg-type]
    assert arrived(link)
    assert link.read_bytes == 512 < len(IMAGE.code)


@pytest.mark.parametrize("image", [IMAGE, CHECKED])
@pytest.mark.parametrize("where", [0x41, 0x341])
def test_what_arrives_wrong_is_sent_again(image: object, where: int) -> None:
    link = Link()
    link.damaged, link.where = 2, where
    send(link, image)  # type: ignore[arg-type]
    assert arrived(link)


@pytest.mark.parametrize("image", [IMAGE, CHECKED])
def test_what_keeps_arriving_wrong_is_refused(image: object) -> None:
    link = Link()
    link.damaged = 1_000_000
    with pytest.raises(FlashFailure) as caught:
        send(link, image)  # type: ignore[arg-type]
    assert caught.value.code == "E-LOADER-RAM"


def test_a_wrong_answer_of_the_chip_has_everything_read_back() -> None:
    link = Link()
    link.answer = 0x12345678
    send(link, CHECKED)  # type: ignore[arg-type]
    assert link.read_bytes == 512 + len(IMAGE.code)
