"""What a test can let go wrong inside the NOR."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class NorFaults:
    """Faults of the part. Page programs are counted from 1 since the device object was made.

    no_wel: WREN is refused, WEL never sets. stuck_wip: the next operation never ends. drop_page: these page programs
    take their time and change nothing. flip_page: these page programs leave one bit of their first byte wrong.
    fail_program and fail_erase: byte offsets of 4 KiB sectors in which programs and erases end in P_FAIL and E_FAIL.
    mute: no answer at all. ecc_one and ecc_two: byte offsets of 16-byte chunks with one bit wrong, which ECC corrects,
    or two, which it only reports.
    """

    no_wel: bool = False
    stuck_wip: bool = False
    drop_page: frozenset[int] = frozenset()
    flip_page: frozenset[int] = frozenset()
    fail_program: frozenset[int] = frozenset()
    fail_erase: frozenset[int] = frozenset()
    mute: bool = False
    ecc_one: frozenset[int] = frozenset()
    ecc_two: frozenset[int] = frozenset()
