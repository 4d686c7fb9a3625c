"""What a failed command can still ask the board, so that its finding holds what the doctor's would."""

from __future__ import annotations

from n6prog.doctor.borrow import NotNow
from n6prog.doctor.nor_reading import rdid_answers, rdid_text
from n6prog.errors import FlashFailure, N6ProgError
from n6prog.link import Link
from n6prog.targets.schema import BoardProfile


def told_by_mode(error: FlashFailure, link: Link, board: BoardProfile) -> N6ProgError:
    """E-FLASH-ID with what RDID reads in each bus mode, asked through the borrowed port; any other failure as it is.

    The loader must not be at work. Where nobody can be asked any more, the failure is given back as it came.
    """
    if error.code != "E-FLASH-ID":
        return error
    try:
        answers = rdid_answers(link, board)
    except (NotNow, N6ProgError):
        return error
    (found,) = error.findings
    evidence = {**found.evidence, "loader_rdid": found.evidence["rdid"], "rdid": rdid_text(answers)}
    return FlashFailure.of(found.code, found.subject, **evidence)
