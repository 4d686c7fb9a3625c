"""Where things go: address rules, slots, Image + Device + goal -> Placement with findings. Pure."""

from n6prog.layout.maps import AddressMap, parse_map
from n6prog.layout.place import place
from n6prog.layout.rules import RULES, Rule
from n6prog.layout.types import Goal, Piece, Placement

__all__ = ["RULES", "AddressMap", "Goal", "Piece", "Placement", "Rule", "parse_map", "place"]
