"""The resident service as the host sees it: started once, then jobs and outcomes through RAM while the core runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from n6prog.errors import FlashFailure, N6ProgError, TargetUnreachable
from n6prog.flash_algos import LoaderImage
from n6prog.flash_algos.mailbox import (
    LOADER_PARAMS,
    LOADER_STACK_TOP,
    NOR_BASE,
    PHASE_IDLE,
    SERVE_1S,
    SERVICE_CONTROL,
    SERVICE_MAGIC,
    SERVICE_STATE,
    SLOT_COUNT,
    Control,
    Outcome,
    State,
    Status,
)
from n6prog.flash_algos.mailbox import Service as Setup
from n6prog.loader.ring import Order, outcome_at, outcome_runs, wire
from n6prog.loader.status import Registers, failure, stuck

if TYPE_CHECKING:
    from n6prog.link import Link

_ENTRY = "n6_serve"
_SETUP = LOADER_PARAMS + 0x880
_STOP = Control(stop=1).pack()
_LOOKS = 3  # a word that arrived wrong arrives right when it is read again
_STARTS_WITHIN = 1.0  # seconds; it proves the fast bus first
_POLL = 0.0005
_SILENCE = 0.5  # seconds in which the service must have shown a sign of life
_HANGS = 3.0  # seconds of silence after which it is given up
_UNHEARD = 0.005  # seconds after which a job that was posted must have been seen by an idle service


def build_word(image: LoaderImage) -> int:
    """Which image this is, as the service echoes it: the first word of its SHA-256."""
    return int(image.digest[:8], 16)


class Service:
    """One run of n6_serve, from `start` to `stop`. Raises FlashFailure and TargetUnreachable.

    `session` is a word that no other run has; `plain`: never leave 1S. A lost link leaves the object usable: give it
    the new one with `moved`.
    """

    def __init__(self, link: Link, image: LoaderImage, session: int, *, plain: bool = False) -> None:
        self._link = link
        self._image = image
        self._setup = Setup(session=session, build=build_word(image), flags=SERVE_1S if plain else 0)
        self.posted = 0
        self.state = State()
        self._lived_at = self._moved_at = self._posted_at = 0.0

    def start(self) -> None:
        """Start it on a core whose loader is open. Comes back when it takes jobs."""
        self._link.write(SERVICE_STATE, bytes(State.SIZE))
        self._link.write(_SETUP, self._setup.pack())
        if self._link.read(_SETUP, Setup.SIZE) != self._setup.pack():
            raise FlashFailure.of("E-LOADER-ANSWER", "start", address=NOR_BASE)
        self._link.start(self._image.entries[_ENTRY], _SETUP, stack=LOADER_STACK_TOP, name=_ENTRY)
        end = self._link.now() + _STARTS_WITHIN
        while not self._is_ours(found := self._read()):
            status = self._link.returned(_ENTRY)
            if status is not None:
                raise failure("start", 0, status, Registers(found.sr, found.scur))
            if self._link.now() > end:
                raise self._given_up(_STARTS_WITHIN)
            self._link.sleep(_POLL)
        self.state, self._lived_at = found, self._link.now()

    def moved(self, link: Link) -> bool:
        """Go on over another link. Tells whether this very run is still there."""
        self._link = link
        self._lived_at = link.now()
        for _ in range(_LOOKS):
            if self._is_ours(self._read()):
                return link.returned(_ENTRY) is None
        return False

    def room(self) -> int:
        """How many jobs may be posted before another is done, as far as is known."""
        return SLOT_COUNT - (self.posted - self.state.done)

    def post(self, order: Order) -> int:
        """Post a job; gives its number. There must be room."""
        self.posted += 1
        self.repost(order, self.posted)
        return self.posted

    def repost(self, order: Order, number: int) -> None:
        """Write a job into its slot, for the first time or again because the service has not seen it.

        Nothing needs to be read back: the chip checks the descriptor by its check word, the payload by its digests.
        """
        self._link.write(*wire(order, number))
        self._posted_at = self._moved_at = self._link.now()

    def look(self) -> State:
        """What it is doing now. Raises FlashFailure when it crashed, ended by itself, or shows no life."""
        for _ in range(_LOOKS):
            found = self._read()
            if self._is_ours(found):
                break
        else:
            raise self._gone()
        if found != self.state:
            self._lived_at = self._link.now()
            if replace(found, heartbeat=self.state.heartbeat) != self.state:
                self._moved_at = self._lived_at
            self.state = found
            return found
        silent = self._link.now() - self._lived_at
        if silent > _SILENCE and self._link.returned(_ENTRY) is not None:
            raise self._gone()
        if silent > _HANGS:
            raise self._given_up(silent)
        return found

    def is_deaf(self) -> bool:
        """Whether the last look shows it alive and waiting for a job that was posted: the doorbell got lost."""
        waited = self._link.now() - self._posted_at
        idle = self.state.phase == PHASE_IDLE and self.state.job == self.state.done
        alive = self._lived_at > self._posted_at  # one that crashed, or whose chip was reset, looks idle for ever
        return alive and idle and self.state.done < self.posted and waited > _UNHEARD

    def stands_still(self) -> float:
        """Seconds, as of the last look, in which it lived and got nowhere: the NOR is busy, or has nothing to do."""
        return self._lived_at - self._moved_at

    def give_up(self) -> N6ProgError:
        """Halt it; the FlashFailure for a service that gets nowhere."""
        return self._given_up(self.stands_still())

    def outcomes(self, first: int, last: int) -> list[Outcome]:
        """What became of jobs `first` to `last`, all done. Raises FlashFailure E-LOADER-ANSWER."""
        for _ in range(_LOOKS):
            found: list[Outcome] = []
            for start, count in outcome_runs(first, last):
                data = memoryview(self._link.read(outcome_at(start), count * Outcome.SIZE))
                found += [Outcome.unpack(data[at : at + Outcome.SIZE]) for at in range(0, len(data), Outcome.SIZE)]
            if [item.seq for item in found] == list(range(first, last + 1)):
                return found
        raise FlashFailure.of("E-LOADER-ANSWER", "a job", address=NOR_BASE)

    def stop(self, longest: float) -> None:
        """End it; what the NOR is busy with is waited for, `longest` seconds at most without any progress."""
        self._link.write(SERVICE_CONTROL, _STOP)
        seen, since = self.state, self._link.now()
        pause = _POLL
        while (status := self._link.returned(_ENTRY)) is None:
            self._link.sleep(pause)
            pause = min(pause * 1.5, 0.05)
            now = replace(self._read(), heartbeat=0)
            if now != seen:
                seen, since = now, self._link.now()
            if self._link.now() - since > longest:
                raise self._given_up(longest)
        if status != Status.OK:
            raise failure("close", 0, status, Registers(seen.sr, seen.scur))

    def _read(self) -> State:
        return State.unpack(self._link.read(SERVICE_STATE, State.SIZE))

    def _is_ours(self, found: State) -> bool:
        mine = (SERVICE_MAGIC, self._setup.build, self._setup.session)
        return (found.magic, found.build, found.session) == mine

    def _given_up(self, waited: float) -> N6ProgError:
        """Halt it, after so many seconds: where it was, or that the core, hung at the bus, does not even halt."""
        try:
            return self._link.give_up(_ENTRY, waited)
        except TargetUnreachable as error:
            if error.code != "E-NO-HALT":
                raise
            return stuck(_ENTRY, error)

    def _gone(self) -> N6ProgError:
        """It is not there any more: crashed (that raises), or overwritten."""
        self._link.returned(_ENTRY)
        return FlashFailure.of("E-LOADER-ANSWER", "a job", address=NOR_BASE + self.state.offset)
