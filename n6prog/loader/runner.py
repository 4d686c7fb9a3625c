"""Jobs through the resident service: as many on their way as there are slots, outcomes back in order.

The link never waits for the flash while a slot is free. A payload that arrived damaged is sent again, a lost doorbell
is rung again, and after a lost link everything goes on from the first job that was not acknowledged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from n6prog.errors import FlashFailure, N6ProgError, TargetUnreachable
from n6prog.flash_algos.mailbox import NOR_BASE, Outcome, Status
from n6prog.loader.ring import Order

if TYPE_CHECKING:
    from n6prog.link import Link
    from n6prog.loader.service import Service

_LOOK_EVERY = 0.35  # seconds between two looks while the link is busy anyway: each costs it 0.4 ms
_GATHER = 8  # outcomes fetched at once while the link is busy anyway
_SHORTEST, _LONGEST = 0.0005, 0.1  # pauses between two looks while there is nothing to send
_DEPTH = 32  # well below RESULT_COUNT
_PACE = (0.2, 5.0)
_RESENDS = 5
_RERINGS = 5


@dataclass(slots=True)
class Work:
    """A job and what the runner needs to know of it. `expected`: seconds it takes the chip. `tag`: the caller's own."""

    order: Order
    expected: float
    tag: int = 0
    resent: int = 0


class Runner:
    """Runs jobs on a service.

    `mend(error)` brings back a lost link: it gives the service, and whether it is a new one that knows nothing of the
    jobs posted so far; it raises when nothing can be done. `longest`: the most seconds the NOR may take for one
    operation.
    """

    def __init__(
        self,
        link: Callable[[], Link],
        service: Service,
        mend: Callable[[N6ProgError], tuple[Service, bool]],
        longest: float,
    ) -> None:
        self._link = link
        self._service = service
        self._mend = mend
        self._longest = longest
        self._todo: deque[Work] = deque()
        self._posted: dict[int, Work] = {}
        self._looked_at = self._progress_at = link().now()
        self._rerings = 0
        self._pace = 1.0  # how long jobs take, against what was expected
        self._exhausted = False

    def run(self, works: Iterable[Work], depth: int = _DEPTH) -> Iterator[tuple[Work, Outcome]]:
        """Post each job in turn and give its outcome: in order, but for those sent again.

        At most `depth` jobs are posted and not yet given. A status that is no OK is given like any other, but for
        BAD_DATA: that is sent again.
        """
        source, self._exhausted = iter(works), False
        while not self._exhausted or self._posted or self._todo:
            try:
                blocked = self._fill(source, depth)
                ready = self._gather(blocked=blocked) if self._posted else []
            except TargetUnreachable as error:
                self._after(error)
                continue
            yield from ready

    def _fill(self, source: Iterator[Work], depth: int) -> bool:
        """Post until the slots are full (or `source` is empty): True; or until it is time to look: False."""
        while len(self._posted) < depth and self._service.room() > 0:
            work = self._todo.popleft() if self._todo else next(source, None)
            if work is None:
                self._exhausted = True
                return True
            self._posted[self._service.posted + 1] = work
            self._service.post(work.order)
            if self._link().now() - self._looked_at > _LOOK_EVERY:
                return False
        return True

    def _gather(self, *, blocked: bool) -> list[tuple[Work, Outcome]]:
        """Look, and fetch outcomes where that is worth a command; pause where there is nothing else to do."""
        before = self._service.state.done
        state = self._service.look()
        self._looked_at = self._link().now()
        if state.done != before:
            self._learn(before, state.done)
        first = next(iter(self._posted))
        ready = min(state.done, self._service.posted) - first + 1
        if ready >= _GATHER or (ready > 0 and (blocked or state.failed)):
            return self._fetch(first, first + ready - 1)
        if self._service.is_deaf():
            self._ring_again(state.done + 1)
        elif self._service.stands_still() > self._longest:
            raise self._service.give_up()
        elif blocked:
            self._pause(self._posted[first].expected)
        return []

    def _fetch(self, first: int, last: int) -> list[tuple[Work, Outcome]]:
        found = []
        for number, outcome in enumerate(self._service.outcomes(first, last), first):
            work = self._posted[number]
            job = work.order.descriptor
            if outcome.status == Status.BAD_DATA and work.resent < _RESENDS:
                work.resent += 1
                self._todo.append(work)
                self._link().step_down("data did not arrive on the chip as they were sent")
            elif (outcome.op, outcome.offset) != (job.op, job.offset) and outcome.status != Status.BAD_DATA:
                raise FlashFailure.of("E-LOADER-ANSWER", "a job", address=NOR_BASE + job.offset)
            else:
                found.append((work, outcome))
            del self._posted[number]
        return found

    def _learn(self, before: int, done: int) -> None:
        """Jobs were done: how long they took tells how long the next will."""
        took = self._looked_at - self._progress_at
        expected = sum(
            self._posted[number].expected for number in range(before + 1, done + 1) if number in self._posted
        )
        if expected > 0:
            self._pace = min(max(took / expected, _PACE[0]), _PACE[1])
        self._progress_at, self._rerings = self._looked_at, 0

    def _pause(self, expected: float) -> None:
        """Sleep half of what is left of the expectation: few looks for what takes as long as said."""
        left = expected * self._pace - (self._link().now() - self._progress_at)
        self._link().sleep(min(max(left / 2 if left > 0 else -left / 8, _SHORTEST), _LONGEST))

    def _ring_again(self, number: int) -> None:
        self._rerings += 1
        if self._rerings > _RERINGS or number not in self._posted:
            raise FlashFailure.of("E-LOADER-ANSWER", "a job", address=NOR_BASE)
        self._service.repost(self._posted[number].order, number)

    def _after(self, error: N6ProgError) -> None:
        """The link was lost: bring it back, and send again what may not have arrived."""
        self._service, fresh = self._mend(error)
        self._looked_at = self._progress_at = self._link().now()
        if fresh:
            self._todo.extendleft(reversed(self._posted.values()))
            self._posted.clear()
        elif self._posted:
            # All but the last were acknowledged by the probe; a job that is there already may be written again.
            last = next(reversed(self._posted))
            if last > max(self._service.state.done, self._service.state.job):
                self._service.repost(self._posted[last].order, last)
