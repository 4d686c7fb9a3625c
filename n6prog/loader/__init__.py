"""The host side of the code that runs on the chip: one protocol, several loaders behind it."""

from n6prog.loader.classic import ClassicLoader
from n6prog.loader.image import load
from n6prog.loader.protocol import Identity, Loader, Written
from n6prog.loader.resident import ResidentLoader

__all__ = ["ClassicLoader", "Identity", "Loader", "ResidentLoader", "Written", "load"]
