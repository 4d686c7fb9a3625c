"""The code that runs on the chip: its shipped image, and the layout of what it and the host exchange (`mailbox`)."""

from __future__ import annotations

from n6prog.flash_algos.loader_image import LoaderDamaged, LoaderImage, load_image, pyocd_algo

__all__ = ["LoaderDamaged", "LoaderImage", "load_image", "pyocd_algo"]
