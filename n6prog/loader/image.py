"""Getting the loader's code: checked in its file, and again in the chip's RAM."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING

from n6prog.errors import FlashFailure
from n6prog.flash_algos import LoaderDamaged, LoaderImage, load_image
from n6prog.flash_algos.mailbox import CHECK_FACTOR, LOADER_RESERVED, LOADER_STACK_TOP, VERSION

if TYPE_CHECKING:
    from n6prog.link import Link

_PIECE = 512  # what is sent again around a byte that arrived wrong
_FIRST = 512  # bytes at the start of an image: n6_check and all it needs
_CHECK_LONGEST = 0.5  # seconds
_SHIPPED = "that ships with n6prog"


def load(source: str | PathLike[str] | LoaderImage | None = None) -> LoaderImage:
    """The loader image: the shipped one (None), one in a file with its build.json beside it, or one at hand.

    Raises FlashFailure when its bytes are not those that were built, or it speaks another mailbox version.
    """
    name = _SHIPPED if source is None or isinstance(source, LoaderImage) else fspath(source)
    try:
        image = source if isinstance(source, LoaderImage) else load_image(None if source is None else fspath(source))
    except LoaderDamaged as damage:
        raise FlashFailure.of("E-LOADER-DAMAGED", name, found=damage.found, expected=damage.expected) from damage
    except (OSError, KeyError, ValueError) as error:
        raise FlashFailure.of("E-LOADER-FILE", name, reason=f"{type(error).__name__}: {error}") from error
    if image.version != VERSION:
        reason = f"it speaks mailbox version {image.version}, this n6prog speaks {VERSION}"
        raise FlashFailure.of("E-LOADER-FILE", name, reason=reason)
    if not 0 < len(image.code) <= LOADER_RESERVED:
        raise FlashFailure.of("E-LOADER-FILE", name, reason=f"{len(image.code)} bytes do not fit its workspace")
    return image


def send(link: Link, image: LoaderImage) -> None:
    """Write the image into the chip's RAM and make sure that it is there, whole; what is not is sent again.

    Where the image can check itself, its first bytes, which do that, are read back, and the chip reckons the rest.
    Raises FlashFailure E-LOADER-RAM when it does not arrive.
    """
    link.write(image.base, image.code)
    if _checked_by_the_chip(link, image):
        return
    for last in (False, False, True):
        found = link.read(image.base, len(image.code))
        wrong = [at for at, (want, got) in enumerate(zip(image.code, found, strict=True)) if want != got]
        if not wrong:
            return
        if last:
            raise FlashFailure.of(
                "E-LOADER-RAM",
                "loader",
                address=image.base + wrong[0],
                size=len(image.code),
                count=len(wrong),
                wrote=image.code[wrong[0]],
                read=found[wrong[0]],
            )
        for at in sorted({number // _PIECE * _PIECE for number in wrong}):
            link.write(image.base + at, image.code[at : at + _PIECE])


def check_word(code: bytes) -> int:
    """What n6_check gives for these bytes (whole words): a change of any one word changes it for certain."""
    value = 0
    for word in memoryview(code).cast("I"):
        value = (((value << 5 | value >> 27) & 0xFFFF_FFFF ^ word) * CHECK_FACTOR) & 0xFFFF_FFFF
    return value


def _checked_by_the_chip(link: Link, image: LoaderImage) -> bool:
    entry = image.entries.get("n6_check")
    if entry is None or len(image.code) % 4:
        return False
    if link.read(image.base, _FIRST) != image.code[:_FIRST]:
        return False
    size = len(image.code)
    found = link.call(
        entry, image.base, size, stack=LOADER_STACK_TOP, timeout=_CHECK_LONGEST, expect=size * 30e-9, name="n6_check"
    )
    return found == check_word(image.code)
