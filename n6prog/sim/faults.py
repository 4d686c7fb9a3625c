"""What goes wrong between probe and chip: counted SWD transfers, damage to some of them, a probe that hangs or goes.

A transfer is what the debug port sees as one: a read or write of a DP or AP register, or one word of a block. CSW, TAR
and RDBUFF that a probe adds by itself around a block are not counted. Drivers still differ in what they read to connect
and in how they ask: a number found with one probe is not the same moment with another.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from n6prog.sim.clock import Timeline
from n6prog.sim.errors import SimError
from n6prog.sim.fault_terms import Fault

NEVER = 1 << 62
_OVERCLOCKED = 1 / 64  # share of the transfers that suffer above the clock that the link bears: assumed


class ProbeGone(SimError):
    """The probe was unplugged: nothing answers until it is opened anew."""

    def __init__(self) -> None:
        super().__init__("the probe was unplugged")


class ProbeHung(SimError):
    """The probe's firmware hangs: no USB command is answered until it is opened anew."""

    def __init__(self) -> None:
        super().__init__("the probe does not answer")


class Damage(Enum):
    """What happens to one transfer."""

    FLIP = "one bit flips: the parity shows it"
    DOUBLE = "two bits flip: nothing shows it"
    LOST = "no ACK: the request was not heard"
    REPEAT = "the target does it twice"
    WAIT = "ACK WAIT"


class _Source(Protocol):
    """One fault term on the wire."""

    def due(self, number: int, now: int, clock_hz: int) -> int:
        """The first transfer from `number` on that this strikes, NEVER for none that can be seen from here."""
        ...

    def strike(self, number: int) -> Damage | Callable[[], None]:
        """Strike at transfer `number`."""
        ...


class LinkFaults:
    """The link's faults; one object a board (`SimBoard.link_faults`).

    A probe personality calls `plugged_in` when it is opened and `command` at the start of each USB command or packet.
    The debug port asks `next` for one transfer, `quiet` and `passed` for many. While `active` is False there is nothing
    to do.
    """

    def __init__(self, host: Timeline, seed: int = 0) -> None:
        self.transfers = 0  # done since the board was opened
        self.active = False
        self._host = host
        self._seed = seed
        self._random = random.Random(f"{seed}:link")  # noqa: S311
        self._sources: list[_Source] = []
        self._endings: list[tuple[int, type[SimError]]] = []  # times at which the probe stops, in picoseconds
        self._dead: type[SimError] | None = None

    def arm(self, faults: Sequence[Fault], actions: Sequence[tuple[int, Callable[[], None]]] = ()) -> None:
        """The board is open now: times and transfers count from here.

        `actions` are what else shall happen just before a transfer: its number and what to call.
        """
        self.transfers = 0
        opened = self._host.now
        for position, fault in enumerate(faults):
            self._add(fault, opened, position)
        self._sources += [_Action(number, action) for number, action in actions]
        self._refresh()

    def _add(self, fault: Fault, opened: int, position: int) -> None:
        start = opened + (fault.after or 0), fault.transfer or 1
        source = random.Random(f"{self._seed}:{position}:{fault.name}")  # noqa: S311
        if fault.name in _ENDINGS:
            ending = _ENDINGS[fault.name]
            if fault.transfer is None:
                self._endings.append((start[0], ending))
            else:
                self._sources.append(_Action(fault.transfer, lambda: self._stop(ending)))
        elif fault.name in _DAMAGES:
            damage = _DAMAGES[fault.name]
            if fault.argument is None:
                self._sources.append(_Once(damage, *start))
            else:
                self._sources.append(_Rate((damage,), float(fault.argument), source, *start))
        elif fault.name == "wait":
            self._sources.append(_Storm(int(fault.argument or NEVER), fault.lasts or NEVER, *start))
        elif fault.name == "max-clock":
            self._sources.append(_Rate(_BROKEN, _OVERCLOCKED, source, *start, above_hz=int(fault.argument or 0)))

    def _refresh(self) -> None:
        self.active = bool(self._sources or self._endings or self._dead)

    def plugged_in(self) -> None:
        """The probe is opened (anew): whatever ailed it is over."""
        self._dead = None
        self._refresh()

    def command(self) -> None:
        """A USB command arrives at the probe. Raises ProbeGone, ProbeHung."""
        for ending in self._endings:
            if self._host.now >= ending[0]:
                self._endings.remove(ending)
                self._dead = ending[1]
                break
        if self._dead is not None:
            raise self._dead

    def _stop(self, ending: type[SimError]) -> None:
        self._dead = ending
        raise ending

    def quiet(self, wanted: int, clock_hz: int) -> int:
        """How many of the next `wanted` transfers pass unharmed as things stand now."""
        if not self._sources:
            return wanted
        first = self.transfers + 1
        nearest = min(source.due(first, self._host.now, clock_hz) for source in self._sources)
        return min(wanted, nearest - first)

    def passed(self, count: int) -> None:
        """`count` transfers were done, all of them quiet."""
        self.transfers += count

    def next(self, clock_hz: int) -> Damage | None:
        """Count one transfer and say what happens to it; None for nothing. Raises ProbeGone, ProbeHung."""
        self.transfers += 1
        if not self._sources:
            return None
        number, damage = self.transfers, None
        for source in tuple(self._sources):
            if source.due(number, self._host.now, clock_hz) > number:
                continue
            if isinstance(source, (_Once, _Action)):
                self._sources.remove(source)
                self._refresh()
            struck = source.strike(number)
            if isinstance(struck, Damage):
                damage = damage or struck
            else:
                struck()
        return damage

    def flip(self, word: int, bits: int) -> int:
        """`word` with `bits` different ones of its 32 bits turned over."""
        for place in self._random.sample(range(32), bits):
            word ^= 1 << place
        return word


_DAMAGES = {"flip": Damage.FLIP, "double-flip": Damage.DOUBLE, "lost": Damage.LOST, "repeat": Damage.REPEAT}
_ENDINGS: dict[str, type[SimError]] = {"hang": ProbeHung, "unplug": ProbeGone}
# What a link above its clock does: mostly what the probe notices, now and then what it does not.
_BROKEN = (Damage.FLIP, Damage.FLIP, Damage.FLIP, Damage.LOST, Damage.LOST, Damage.DOUBLE)


class _Action:
    """Something to call just before transfer `number`."""

    def __init__(self, number: int, action: Callable[[], None]) -> None:
        self._number = number
        self._action = action

    def due(self, number: int, now: int, clock_hz: int) -> int:
        return max(self._number, number)

    def strike(self, number: int) -> Callable[[], None]:
        return self._action


class _Once:
    """One damaged transfer: the first at or behind both limits."""

    def __init__(self, damage: Damage, time: int, first: int) -> None:
        self._damage = damage
        self._time = time
        self._first = first

    def due(self, number: int, now: int, clock_hz: int) -> int:
        return max(self._first, number) if now >= self._time else NEVER

    def strike(self, number: int) -> Damage:
        return self._damage


class _Rate:
    """Every transfer from a start on is hit with the same probability, above a clock only where one is given."""

    def __init__(
        self,
        damages: tuple[Damage, ...],
        rate: float,
        source: random.Random,
        time: int,
        first: int,
        *,
        above_hz: int = 0,
    ) -> None:
        self._damages = damages
        self._source = source
        self._time = time
        self._first = first
        self._above = above_hz
        self._digits = _gap_digits(rate)
        self._strikes_at: int | None = None

    def due(self, number: int, now: int, clock_hz: int) -> int:
        if now < self._time or clock_hz <= self._above:
            self._strikes_at = None  # what comes after has no memory of what was before
            return NEVER
        if self._strikes_at is None:
            self._strikes_at = max(number, self._first) + self._gap()
        return max(number, self._strikes_at)

    def strike(self, number: int) -> Damage:
        self._strikes_at = number + 1 + self._gap()
        return self._source.choice(self._damages)

    def _gap(self) -> int:
        return sum(1 << place for place, share in enumerate(self._digits) if self._source.random() < share)


def _gap_digits(rate: float) -> list[float]:
    """For each binary digit of a geometric random number, the probability that it is 1.

    The digits of a geometric number are independent; made from them it needs no logarithm, whose last bit differs from
    one machine's library to the next.
    """
    pass_on = 1.0 - rate
    digits: list[float] = []
    while pass_on > 1e-18 and len(digits) < 60:
        digits.append(pass_on / (1.0 + pass_on))
        pass_on *= pass_on
    return digits


class _Storm:
    """ACK WAIT for `length` transfers in a row, or for `duration` picoseconds."""

    def __init__(self, length: int, duration: int, time: int, first: int) -> None:
        self._left = length
        self._duration = duration
        self._time = time
        self._first = first
        self._began: int | None = None

    def due(self, number: int, now: int, clock_hz: int) -> int:
        if now < self._time or self._left <= 0:
            return NEVER
        if self._began is None and number >= self._first:
            self._began = now
        if self._began is not None and now - self._began >= self._duration:
            return NEVER
        return max(number, self._first)

    def strike(self, number: int) -> Damage:
        self._left -= 1
        return Damage.WAIT
