"""The access ports this chip has. Identities are those of its nearest relative, the STM32H563 (hw-soc 1.1: GUESS)."""

from __future__ import annotations

from collections.abc import Callable

from n6prog.sim.dap.mem_ap import DEVICE_EN, SDEVICE_EN, MemAp, Memory

_DBG_SW_ENABLE = 0x8000_0000
_PROT = 0x4F00_0000  # HNONSEC and HPROT, as OpenOCD's stm32n6x.cfg writes them


def access_ports(system: Memory, core: Memory, core_is_open: Callable[[], bool]) -> dict[int, MemAp]:
    """AP0, the APB with DBGMCU behind `system`, always open; AP1, the AHB of the Cortex-M55 behind `core`."""
    ap0 = MemAp(
        system,
        idr=0x5477_0002,
        base=0x8000_0003,
        writable=_DBG_SW_ENABLE,
        fixed=_DBG_SW_ENABLE | DEVICE_EN,
        words_only=True,
        is_open=lambda: True,
    )
    ap1 = MemAp(
        core,
        idr=0x8477_0001,
        base=0xE00F_E003,
        writable=_PROT,
        fixed=_DBG_SW_ENABLE | SDEVICE_EN | DEVICE_EN,
        words_only=False,
        is_open=core_is_open,
    )
    return {0: ap0, 1: ap1}
