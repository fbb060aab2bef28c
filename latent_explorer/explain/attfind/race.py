# SPDX-License-Identifier: MIT
"""The race of AttFind: exact effects are rendered only where they can still change what the search chooses.

Every move is predicted by gradient. The columns that are predicted to matter are rendered on a few pictures, and every
column on one picture of each class, drawn at random: there is seen what gradients miss. Then, round by round, the
effect table is completed at random a few times, from what was rendered, and each completion is searched. What is chosen
in most of them is rendered on all pictures that it is to move; what is chosen in some, on twice as many as before, of
those that the choice was made for. The race ends when all that is chosen more than rarely is known well enough.
Nothing that was rendered before is rendered again, so a race that is stopped goes on from its table.

On numpy arrays; rendering is left to the caller. A move is a row (picture, direction, style_index), and a column a
direction and a style_index, numbered as in `greedy`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from latent_explorer.common.events import Progress
from latent_explorer.common.jobs import forward_events
from latent_explorer.explain.attfind.greedy import UNSTABLE_EFFECT, UNSTABLE_SHARE
from latent_explorer.explain.attfind.tables import new_table
from latent_explorer.explain.attfind.unstable import judge, large_share

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from latent_explorer.common.events import Event
    from latent_explorer.explain.attfind.greedy import Lists, Pick

    # Moves (M, 3) -> their effects (M, K). A job within a job.
    Render = Callable[[np.ndarray], Generator[Event, None, np.ndarray]]
    # An effect table (N, 2, A, K) of some styles -> the lists, by number in the table.
    Search = Callable[[np.ndarray], Lists]

PROMISING = 0.1  # of the columns, by predicted gain towards each class: rendered on FEW pictures of each other class
FEW = 4  # pictures of a class
ACTIVE = 200  # styles that are searched in a round: those with the largest effects seen
COMPLETIONS = 12  # of the table in a round
SURE = 9  # completions that choose a column, so that it is rendered everywhere
OFTEN = 3  # completions that choose a column, so that it must be known
STRANGERS = 2  # errors of other columns, of predictions of the same size, that count as seen of every column
_NOTHING = 0.01  # logits: means are shown to that
_STEEPEST = 3.0  # factor of calibration
_COMMON = 0.1  # of the share that makes a picture unstable: above it in random moves, any picture may be
_ENOUGH = 8  # pictures, before the spread of a column's effects is believed
_CHUNK = 128  # moves after which what was rendered is in the table
_QUANTILES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)  # of predicted sizes, which part small from large ones


@dataclass
class EffectTable:
    """Effects of all moves on the logits: exact where `rendered`, else predicted by gradient.

    The arrays are taken over, and changed.
    """

    predicted: np.ndarray  # (N, 2, S, K) float32
    rendered: np.ndarray  # (N, 2, S) bool
    exact: np.ndarray = field(init=False)  # (N, 2, S, K) float32, 0 where not rendered

    def __post_init__(self) -> None:
        self.exact = new_table(self.predicted.shape)
        self.nowhere = self.rendered.copy()  # moves that go nowhere need no render

    @property
    def count(self) -> int:
        """Moves that were rendered."""
        return int(self.rendered.sum() - self.nowhere.sum())

    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the moves (M, 3) that were rendered, and their effects (M, K)."""
        where = self.rendered & ~self.nowhere
        return np.argwhere(where), self.exact[where]

    def add(self, moves: np.ndarray, effects: np.ndarray) -> None:
        """Take the effects (M, K) of rendered moves (M, 3)."""
        where = tuple(moves.T)
        self.exact[where] = effects
        self.rendered[where] = True

    def leave_out(self, styles: Iterable[int]) -> None:
        """Take all effects of some styles for 0, so that nothing chooses them."""
        out = list(styles)
        self.predicted[:, :, out], self.exact[:, :, out] = 0, 0
        self.rendered[:, :, out], self.nowhere[:, :, out] = True, True

    def missing(self, moves: np.ndarray) -> np.ndarray:
        """Return those of the moves (M, 3) that were not rendered, each once, by picture."""
        moves = np.unique(moves, axis=0)
        missing: np.ndarray = moves[~self.rendered[tuple(moves.T)]]
        return missing


class Race:
    """Race of the columns of an effect table. First `start`, then `round` until it returns True, then `show`.

    classes         (N,) of the unmoved pictures
    unstable_share  a picture is unstable with more than this share of effects above `unstable_effect`
    seed            of what is drawn at random

    `unstable` (N,) bool are the pictures that were found to be so: by all their moves where few do not tell. Where
    large effects are rare, a picture is taken for stable if none of its moves drawn at first has one, nor half as many
    as would make it unstable are predicted.
    `agreement` is the mean share, 0 to 1, that a completion of the last round has of the attributes that most of them
    list, whichever the end: of what random pictures showed about all columns, so little could still have changed the
    list. It is 1 where none lists any.
    `sure` is how many attributes SURE completions of the last round list, of `listed`; with two classes, of their one
    list.
    """

    def __init__(
        self,
        table: EffectTable,
        classes: np.ndarray,
        render: Render,
        search: Search,
        unstable_effect: float = UNSTABLE_EFFECT,
        unstable_share: float = UNSTABLE_SHARE,
        seed: int = 0,
    ) -> None:
        self.table = table
        self.agreement, self.sure, self.listed = 0.0, 0, 0
        self.unstable = np.zeros(len(classes), dtype=bool)
        self._unstable_effect, self._unstable_share = unstable_effect, unstable_share
        self._classes, self._render, self._search = classes, render, search
        self._rng = np.random.default_rng(seed)
        groups = [self._rng.permutation(np.flatnonzero(classes == k)) for k in range(table.predicted.shape[3])]
        self._groups = [rows for rows in groups if len(rows)]
        self._order = np.random.default_rng(seed).permutation(len(classes))  # in which pictures are rendered
        sizes = sum(np.abs(each).mean(axis=2) for each in table.predicted) / len(classes)  # (2, S)
        self._sizes = np.digitize(sizes, np.quantile(sizes, _QUANTILES))  # (2, S)

    def start(self) -> Generator[Event, None, None]:
        """Render the promising columns on a few pictures, and every column on one picture of each class."""
        predicted, columns = self.table.predicted, np.arange(self._sizes.size)
        moves = []
        for target in range(predicted.shape[3]):
            others = [rows for rows in self._groups if self._classes[rows[0]] != target]
            if others:
                gains = np.maximum(predicted[np.concatenate(others), ..., target], 0).mean(axis=0).ravel()
                best = np.argsort(-gains, kind="stable")[: max(1, round(PROMISING * gains.size))]
                moves += [self._moves(d, j, rows[:FEW]) for rows in others for d, j in np.stack(self._at(best), axis=1)]
        drawn = [self._rng.choice(rows, len(columns)) for rows in self._groups]
        at_random = np.concatenate([np.stack([rows, *self._at(columns)], axis=1) for rows in drawn])
        yield from self._fill([*moves, at_random])
        self._calibrate()
        large = np.abs(self.table.exact[tuple(at_random.T)]) > self._unstable_effect
        common = large.mean() > _COMMON * self._unstable_share
        predicted_large = large_share(self.table.predicted, self._unstable_effect)
        suspected = common | (predicted_large > self._unstable_share / 2)
        suspected[at_random[large.any(axis=1), 0]] = True
        suspects = np.flatnonzero(suspected)
        order, limits = self._rng.permutation(len(columns)), (self._unstable_effect, self._unstable_share)
        self.unstable[suspects] = yield from judge(suspects, order, self._look, *limits)

    def _look(self, pictures: np.ndarray, columns: np.ndarray) -> Generator[Event, None, np.ndarray]:
        """Return the exact effects (M, B, K) of columns on pictures."""
        direction, style_index = self._at(columns)
        yield from self._fill([np.stack([np.full(len(columns), i), direction, style_index], axis=1) for i in pictures])
        effects: np.ndarray = self.table.exact[pictures[:, None], direction, style_index]
        return effects

    def _calibrate(self) -> None:
        """Scale the predictions of each size to what was rendered, by least squares: useless ones become 0."""
        table, factors = self.table, np.ones(self._sizes.shape, self.table.predicted.dtype)
        for size in range(len(_QUANTILES) + 1):
            checked = table.rendered & (self._sizes == size)
            predicted, exact = table.predicted[checked], table.exact[checked]
            slope = (predicted * exact).sum() / max(np.square(predicted).sum(), 1e-12)
            factors[self._sizes == size] = np.clip(slope, 0, _STEEPEST)
        table.predicted *= factors[..., None]

    def round(self) -> Generator[Event, None, bool]:
        """Render what may still change the lists. Returns True, with nothing rendered, if nothing may."""
        largest = np.max([np.abs(each).max(axis=(0, 2)) for each in self.table.exact], axis=0)  # (S,)
        active = np.sort(np.argsort(-largest, kind="stable")[:ACTIVE])
        strangers = self._strangers()
        found = []
        for done in range(COMPLETIONS):  # each a step of the job, so that sliders stay live beside it
            found.append(self._search(self._completion(active, strangers)))
            yield Progress(done + 1, COMPLETIONS)
        shown = Counter((p.target, p.style_index) for lists in found for picks in lists.ranked.values() for p in picks)
        length = max(sum(map(len, lists.ranked.values())) for lists in found)
        of_most = sum(count for _, count in shown.most_common(length))
        self.agreement = of_most / (COMPLETIONS * length) if length else 1.0
        times = 2 if len(found[0].ranked) == 2 else 1  # that each attribute is listed
        self.sure, self.listed = sum(count >= SURE for count in shown.values()) // times, length // times
        moves, settled = [], True
        for wanted, must in self._wanted(found, active):
            moves.append(self.table.missing(wanted))
            settled = settled and not (must and len(moves[-1]))
        if not settled:
            yield from self._fill(moves)
        return settled

    def show(self, ranked: dict[int, tuple[Pick, ...]]) -> Generator[Event, None, bool]:
        """Render what a list shows: the picks' effects on pictures of other classes. Returns if any was missing."""
        rows = [(pick, np.flatnonzero(self._classes != t)) for t, picks in ranked.items() for pick in picks]
        before = int(self.table.rendered.sum())
        yield from self._fill([self._moves(pick.direction, pick.style_index, others) for pick, others in rows])
        return int(self.table.rendered.sum()) > before

    def estimate(self) -> np.ndarray:
        """Return the effect table (N, 2, S, K), with what is expected of each effect that was not rendered."""
        table, filled = self.table, new_table(self.table.exact.shape)
        strangers = np.stack([each.mean(axis=0) for each in self._strangers()])[self._sizes]  # (2, S, K)
        for rows in self._groups:
            total, count = STRANGERS * strangers, np.full(self._sizes.shape, STRANGERS)
            for i in rows:  # picture by picture: a table may be larger than memory
                total += (table.exact[i] - table.predicted[i]) * table.rendered[i][..., None]
                count += table.rendered[i]
            error = total / count[..., None]
            for i in rows:
                filled[i] = np.where(table.rendered[i][..., None], table.exact[i], table.predicted[i] + error)
        return filled

    def interval(self, pick: Pick) -> tuple[float, float] | None:
        """Return the 95 % interval of a pick's mean effect that is not wholly rendered: of pictures and predictions.

        That of the difference estimator, with Student's t: the errors of the predictions on the pictures that were
        rendered stand for those on the others. None if fewer than FEW were rendered.
        """
        others = self._classes != pick.target
        rows = np.flatnonzero(others & ~self.unstable)
        column = rows, pick.direction, pick.style_index
        seen = self.table.rendered[column]
        count = int(seen.sum())
        if count < FEW:
            return None
        exact, predicted = self.table.exact[column][seen, pick.target], self.table.predicted[column][:, pick.target]
        errors = exact - predicted[seen]
        stable = len(rows) / int(others.sum())  # the others count as 0
        mean = stable * float(predicted.mean() + errors.mean())
        unseen = stable**2 * errors.var(ddof=1) * (1 / count - 1 / len(rows))
        spread = stable * (exact.var(ddof=1) + (1 - stable) * exact.mean() ** 2)
        half = _student(count - 1) * float(np.sqrt(unseen + spread / others.sum()))
        return float(min(mean - half, pick.mean_effect)), float(max(mean + half, pick.mean_effect))

    def _wanted(self, found: list[Lists], active: np.ndarray) -> Iterator[tuple[np.ndarray, bool]]:
        """Yield moves that would tell more about what the lists chose, and whether the race must not end before."""
        votes = Counter(
            (target, choice.direction, choice.style_index)
            for lists in found
            for target, ranking in lists.rankings.items()
            for choice in ranking.choices
        )
        for (target, direction, number), count in votes.items():
            if count >= SURE:
                yield self._moves(direction, active[number], np.flatnonzero(self._classes != target)), True
        for lists in found:
            for target, ranking in lists.rankings.items():
                for direction, number, pictures in ranking.choices:
                    if (count := votes[target, direction, number]) < SURE:
                        yield self._more(direction, active[number], pictures), count >= OFTEN
        if len(found[0].rankings) == 2:  # the merged list is ordered by both directions, over all pictures
            shown = Counter(pick.style_index for lists in found for pick in lists.ranked[0])
            for number, count in shown.items():
                for direction in (0, 1):
                    for rows in self._groups:
                        yield self._more(direction, active[number], rows), count >= OFTEN

    def _more(self, direction: int, style_index: int, rows: np.ndarray) -> np.ndarray:
        """Return moves that render a column on twice as many of the pictures; none if it is known well enough.

        That is when what is unknown of its mean effect is less than its standard error over all these pictures.
        """
        seen = self.table.rendered[rows, direction, style_index]
        count = int(seen.sum())
        if _ENOUGH <= count < len(rows):
            exact = self.table.exact[rows[seen], direction, style_index]
            errors = exact - self.table.predicted[rows[seen], direction, style_index]
            unknown = errors.std(axis=0, ddof=1) * np.sqrt(1 / count - 1 / len(rows))
            if (unknown <= exact.std(axis=0, ddof=1) / np.sqrt(len(rows)) + _NOTHING).all():
                return self._moves(direction, style_index, rows[:0])
        unseen = rows[~seen]  # in the order of the file, in which neighbours may be alike
        unseen = unseen[np.argsort(self._order[unseen])]
        return self._moves(direction, style_index, unseen[: max(FEW, count)])

    def _at(self, column: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return direction and style_index of columns."""
        return np.unravel_index(column, self._sizes.shape)

    @staticmethod
    def _moves(direction: int, style_index: int, rows: np.ndarray) -> np.ndarray:
        """Return the moves (M, 3) of one column on pictures."""
        return np.stack([rows, np.full_like(rows, direction), np.full_like(rows, style_index)], axis=1)

    def _fill(self, moves: list[np.ndarray]) -> Generator[Event, None, None]:
        missing = self.table.missing(np.concatenate([np.zeros((0, 3), dtype=int), *moves]))
        missing = np.random.default_rng(0).permutation(missing)  # so that half of them tell of all columns
        for first in range(0, len(missing), _CHUNK):
            part = missing[first : first + _CHUNK]

            def of_all(event: Event, before: int = first) -> Event:
                return Progress(before + event.done, len(missing)) if isinstance(event, Progress) else event

            self.table.add(part, (yield from forward_events(self._render(part), of_all)))

    def _strangers(self) -> list[np.ndarray]:
        """Return the errors (M, K) of the predictions that were checked, for each size of prediction."""
        table, found = self.table, []
        for size in range(len(_QUANTILES) + 1):
            where = table.rendered & ~table.nowhere & (self._sizes == size)
            errors = table.exact[where] - table.predicted[where]
            found.append(errors if len(errors) else np.zeros((1, table.exact.shape[3]), table.exact.dtype))
        return found

    def _completion(self, active: np.ndarray, strangers: list[np.ndarray]) -> np.ndarray:
        """Return the table (N, 2, A, K) of the active styles, completed at random from what was seen.

        What was not rendered is its prediction plus the error of another prediction: of the same column on a picture
        of the same class, or a stranger's. The errors are resampled first (a bootstrap), so that what rests on few
        pictures differs between completions.
        """
        table, rng = self.table, self._rng
        rendered, predicted, exact = (x[:, :, active] for x in (table.rendered, table.predicted, table.exact))
        sizes = self._sizes[:, active]
        drawn = np.zeros((STRANGERS, *exact.shape[1:]), exact.dtype)
        for size, errors in enumerate(strangers):
            where = sizes == size
            drawn[:, where] = errors[rng.integers(0, len(errors), (STRANGERS, int(where.sum())))]
        completed = exact.copy()
        for rows in self._groups:
            seen = rendered[rows]
            count = seen.sum(axis=0)  # (2, A)
            donors = np.argsort(~seen, axis=0, kind="stable")  # pictures that were rendered come first
            resample = rng.integers(0, count + STRANGERS, (int(count.max()) + STRANGERS, *count.shape))
            pick = rng.integers(0, count + STRANGERS, seen.shape)
            pick = np.take_along_axis(resample, pick, axis=0)
            donor = np.take_along_axis(donors, np.minimum(pick, len(rows) - 1), axis=0)
            own = np.take_along_axis((exact - predicted)[rows], donor[..., None], axis=0)
            other = np.take_along_axis(drawn, np.maximum(pick - count, 0)[..., None], axis=0)
            error = np.where((pick < count)[..., None], own, other)
            completed[rows] = np.where(seen[..., None], exact[rows], predicted[rows] + error)
        completed[self.unstable] = 0
        return completed


def _student(freedom: int) -> float:
    """Return the 97.5 % point of Student's t, to 4 % from 3 degrees of freedom (Cornish and Fisher's expansion)."""
    z = 1.96
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
