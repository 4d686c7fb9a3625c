"""What the tests of the link share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from n6prog.link import Link


@pytest.fixture
def link() -> Iterator[Link]:
    """A link to a simulated board that keeps nothing."""
    pytest.importorskip("unicorn")
    from tests.helpers.sim_link import connect

    with connect() as opened:
        yield opened
