"""The simulator keeps its own facts; here they are held against the tool's, so that a slip in one of them is seen."""

from __future__ import annotations

import pytest

from n6prog.nor.sfdp import parse
from n6prog.sim.nor.parts import MS, US, nor_facts
from n6prog.sim.soc.boards import BOARDS, board_facts
from n6prog.targets.schema import board_names, load_board, load_part, part_names

SECOND = 1_000_000_000_000  # picoseconds


def test_both_know_the_same_boards() -> None:
    assert set(board_names()) == set(BOARDS)


@pytest.mark.parametrize("name", part_names())
def test_a_part_is_the_same_on_both_sides(name: str) -> None:
    tool, sim = load_part(name), nor_facts(name)
    assert (tool.name, tool.jedec, tool.size, tool.page) == (sim.name, sim.jedec, sim.size, sim.page)
    assert tool.ecc_chunk == sim.ecc_chunk
    assert [round(e.typ * SECOND) for e in tool.erases] == [sim.sector_time, sim.block_time] == [25 * MS, 256 * MS]
    assert round(tool.program_typ * SECOND) == sim.page_time == 152 * US
    assert round(tool.chip_erase_typ * SECOND) == sim.chip_time
    assert parse(sim.sfdp).size == tool.size


@pytest.mark.parametrize("name", board_names())
def test_a_board_is_the_same_on_both_sides(name: str) -> None:
    tool, sim = load_board(name), board_facts(name)
    assert tool.part == sim.part
    assert tool.psram == sim.psram
    wired = {
        pin.signal.lower().removesuffix("0") if pin.signal == "DQS0" else pin.signal.lower(): pin.pad
        for pin in tool.wiring.pins
    }
    wired = {("ncs" if signal == "ncs1" else signal): pad for signal, pad in wired.items()}
    assert wired == {signal: f"PN{number}" for signal, number in sim.pins}
    assert {pin.af for pin in tool.wiring.pins} == {sim.function}
    if tool.wiring.range_1v8:
        assert tool.wiring.rail.lower() in sim.rails_1v8
