"""The order of things: class Board and the flows over it."""

from n6prog.flows.board import Board, BoardInfo
from n6prog.flows.report import ByteCounts, PieceReport, Report

__all__ = ["Board", "BoardInfo", "ByteCounts", "PieceReport", "Report"]
