"""NOR flash: geometry, SFDP, digests, and the rule which sectors to erase (the twin of the one on the chip). Pure."""

from n6prog.nor.digest import BLANK_SECTOR, PRIME, digest, digests
from n6prog.nor.geometry import BLOCK, CHUNK, PAGE, SECTOR
from n6prog.nor.rule import Decision, Operations, RuleTimes, apply, choose, decide, operations, times_of
from n6prog.nor.sfdp import Sfdp, SfdpError, parse, part_from_sfdp

__all__ = [
    "BLANK_SECTOR",
    "BLOCK",
    "CHUNK",
    "PAGE",
    "PRIME",
    "SECTOR",
    "Decision",
    "Operations",
    "RuleTimes",
    "Sfdp",
    "SfdpError",
    "apply",
    "choose",
    "decide",
    "digest",
    "digests",
    "operations",
    "parse",
    "part_from_sfdp",
    "times_of",
]
