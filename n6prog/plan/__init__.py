"""Placement and Survey become Work: which blocks must travel, and its cost. Pure."""

from n6prog.plan.coverage import SurveyError, Touched, contents, expected_digests, sectors, to_read
from n6prog.plan.make import ERASE_MODES, EraseMode, block_digests, make
from n6prog.plan.partners import Pair, pairs
from n6prog.plan.types import BLOCK, SECTOR, Block, Cost, Sector, Survey, Work

__all__ = [
    "BLOCK",
    "ERASE_MODES",
    "SECTOR",
    "Block",
    "Cost",
    "EraseMode",
    "Pair",
    "Sector",
    "Survey",
    "SurveyError",
    "Touched",
    "Work",
    "block_digests",
    "contents",
    "expected_digests",
    "make",
    "pairs",
    "sectors",
    "to_read",
]
