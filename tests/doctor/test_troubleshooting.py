"""docs/troubleshooting.md: its codes are explained, and the messages people search for are in it."""

from __future__ import annotations

import re
from pathlib import Path

from n6prog.findings import TABLE

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()
# Of users.md 1: what the vendor's tools print.
MESSAGES = (
    "flash loader cannot be loaded",
    "failed to download Sector[0]",
    "Please verify flash memory protection",
    "failed to erase memory",
    "Target unknown error 32",
    "Unable to get core ID",
    "No STM32 target found",
    "Data read failed",
    "Connection to device 0x486 is lost",
    "stlinkserver already running, exit",
    "LockedUp",
    "DEV_USB_COMM_ERR",
    "Init function fail",
    "Cannot access memory at address",
    "Error finishing flash operation",
)


def test_every_link_leads_to_a_code_of_the_table() -> None:
    links = re.findall(r"\[([A-Z]-[A-Z0-9-]+)\]\(errors\.md#([a-z0-9-]+)\)", PAGE)
    assert len(links) > 30
    for code, anchor in links:
        assert code in TABLE
        assert anchor == code.lower()
    named = set(re.findall(r"\b[EWNI]-[A-Z0-9]+(?:-[A-Z0-9]+)*\b", PAGE))
    assert named == {code for code, _ in links}


def test_the_messages_people_search_for_are_there() -> None:
    for message in MESSAGES:
        assert message in PAGE
