"""Registers of the emulator without its Python binding, which takes several times as long."""

from __future__ import annotations

import ctypes
from typing import Any

from unicorn.unicorn_py3.unicorn import uclib

_LIBRARY = ctypes.PyDLL(uclib._name, handle=uclib._handle)  # noqa: SLF001
_READ, _WRITE = _LIBRARY.uc_reg_read, _LIBRARY.uc_reg_write


class Raw:
    """Words by Unicorn's register numbers."""

    def __init__(self, uc: Any) -> None:
        self._uch = uc._uch  # noqa: SLF001
        self._word = ctypes.c_uint32()
        self._place = ctypes.byref(self._word)  # as it goes over, like the handle and small integers

    def read(self, register: int) -> int:
        """Read one."""
        _READ(self._uch, register, self._place)
        return self._word.value

    def write(self, register: int, value: int) -> None:
        """Write one; of the PC, bit 0 has to be set."""
        self._word.value = value & 0xFFFF_FFFF
        _WRITE(self._uch, register, self._place)
