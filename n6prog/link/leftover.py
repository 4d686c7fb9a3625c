"""A service of ours that another program left running: it is asked to end before the core is halted.

Halted in the middle of a block, the bytes that nobody asked for would be lost: between erase and program they live in
the chip's RAM alone.
"""

from __future__ import annotations

from typing import Any

from n6prog.flash_algos.mailbox import PHASE_STOPPED, SERVICE_CONTROL, SERVICE_MAGIC, SERVICE_STATE, State
from n6prog.link.waits import Clock
from n6prog.targets import chip

_SILENCE = 0.5  # seconds without any sign of life: whatever runs there, it is not the service
_LONGEST = 60.0  # seconds; one block takes 7 s at worst to erase and 2.6 s to program
_POLL = 0.002
_S_HALT = 1 << 17


def end(core: Any, clock: Clock) -> bool:
    """End a service that runs on the core, and wait until the flash is at rest. Tells whether there was one.

    Raises pyOCD's errors.
    """
    found = _state(core)
    if found.magic != SERVICE_MAGIC or found.phase == PHASE_STOPPED or core.read32(chip.DHCSR) & _S_HALT:
        return False
    core.write32(SERVICE_CONTROL, 1)
    start = changed = clock.now()
    while clock.now() - start < _LONGEST:
        now = _state(core)
        if now.phase == PHASE_STOPPED or core.read32(chip.DHCSR) & _S_HALT:
            return True
        if now != found:
            found, changed = now, clock.now()
        elif clock.now() - changed > _SILENCE:
            core.write32(SERVICE_STATE, 0)  # what RAM remembers of a service that is long gone
            return False
        clock.sleep(_POLL)
    return True


def _state(core: Any) -> State:
    return State.unpack(bytes(core.read_memory_block8(SERVICE_STATE, State.SIZE)))
