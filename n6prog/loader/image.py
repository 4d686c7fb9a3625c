"""Getting the loader's code: checked in its file, and again in the chip's RAM."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING

from n6prog.errors import FlashFailure
from n6prog.flash_algos import LoaderDamaged, LoaderImage, load_image
from n6prog.flash_algos.mailbox import LOADER_RESERVED, VERSION

if TYPE_CHECKING:
    from n6prog.link import Link

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
    """Write the image into the chip's RAM and read it back. Raises FlashFailure when it does not arrive whole."""
    link.write(image.base, image.code)
    found = link.read(image.base, len(image.code))
    if found == image.code:
        return
    wrong = [at for at, (want, got) in enumerate(zip(image.code, found, strict=True)) if want != got]
    raise FlashFailure.of(
        "E-LOADER-RAM",
        "loader",
        address=image.base + wrong[0],
        size=len(image.code),
        count=len(wrong),
        wrote=image.code[wrong[0]],
        read=found[wrong[0]],
    )
