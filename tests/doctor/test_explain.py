"""What evidence means, without a board: the rules, and the causes of failures."""

from __future__ import annotations

import pytest

from n6prog.doctor.explain import CAUSES, RULES, explain, explained
from n6prog.findings import TABLE, finding


def test_every_rule_and_cause_names_an_entry_of_the_table() -> None:
    assert {rule.code for rule in RULES} <= set(TABLE)
    assert {name for cause in CAUSES for name in (cause.code, cause.means)} <= set(TABLE)


def test_a_rule_speaks_only_when_all_it_needs_is_known() -> None:
    assert explain({"firmware": "V3J16M6"}) == ()
    assert explain({"firmware": "V3J16M6", "trouble": None}) == ()
    assert [found.code for found in explain({"firmware": "V3J16M6", "trouble": "hanging"})] == ["W-PROBE-FIRMWARE"]


def test_a_finding_carries_the_evidence_it_was_made_from() -> None:
    (found,) = explain({"mode": "8D", "rdid": "C2 80 3A", "part": None}, "NOR")
    assert (found.subject, dict(found.evidence)) == ("NOR", {"mode": "8D", "rdid": "C2 80 3A"})


def lost(**evidence: str) -> str:
    return explained([finding("E-LINK-LOST", "probe", reason="x", **evidence)])[0].code


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        ({}, "E-LINK-LOST"),
        ({"usb": "gone"}, "E-LINK-LOST"),
        ({"usb": "no answer"}, "E-PROBE-HUNG"),
        ({"usb": "no answer", "voltage": "0.00 V"}, "E-PROBE-HUNG"),
        ({"voltage": "0.00 V"}, "E-POWER-LOST"),
        ({"voltage": "1.80 V"}, "E-LINK-LOST"),
        ({"voltage": "unknown"}, "E-LINK-LOST"),
    ],
)
def test_why_a_link_was_lost_is_told_from_usb_and_voltage(evidence: dict[str, str], code: str) -> None:
    assert lost(**evidence) == code


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (0x1000_0000, "E-TCM-ECC"),
        (0x0000_FFFF, "E-TCM-ECC"),
        (0x0001_0000, "E-BUS-FAULT"),
        (0x3001_FFFF, "E-TCM-ECC"),
        (0x3002_0000, "E-BUS-FAULT"),
        (0x3400_0000, "E-BUS-FAULT"),
        (0x3E00_0000, "E-BUS-FAULT"),
    ],
)
def test_a_refused_read_of_tcm_is_its_ecc(address: int, code: str) -> None:
    (found,) = explained([finding("E-BUS-FAULT", "read", address=address, size=4, reason="fault")])
    assert (found.code, found.evidence["address"]) == (code, address)


def test_what_has_no_better_cause_stays_as_it_is() -> None:
    found = finding("E-WEL", "write", address=0x7000_0000, registers="SR 0x00")
    assert explained([found]) == (found,)


def test_bad_probe_firmware_is_told_once_beside_what_cannot_be_reached() -> None:
    seen = finding("E-NOANSWER", "probe", reason="x", firmware="V3J15M7")
    assert [found.code for found in explained([seen, seen])] == ["E-NOANSWER", "E-NOANSWER", "W-PROBE-FIRMWARE"]
    assert explained(explained([seen])) == explained([seen])
