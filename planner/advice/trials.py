"""Changes of a request tried out in the futures, each against the best way to ask as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite

from planner.advice import shapes
from planner.advice.changes import Change, in_order
from planner.advice.fitting import Fits, Fitting
from planner.advice.gains import Gain, said
from planner.advice.option import NOT_SAID, Option
from planner.advice.options import Options
from planner.advice.runs import OwnRun
from planner.advice.shapes import Field, Of, Shape
from planner.asking.refusals import longest_s
from planner.asking.request import Request
from planner.sim.cluster import Partition


@dataclass(frozen=True, slots=True, eq=False)
class _Base:
    """What changes are compared with: the option as the fit sees it, before any correction; where
    it was simulated too, the earlier of both, as a fit is late rather than early."""

    option: Option
    partition: Partition
    run: OwnRun
    limit_s: float

    @property
    def gain_of(self) -> Of:
        """Ends are compared where run times are known."""
        return "finish" if self.run.is_known else "start"


class Trials:
    def __init__(self, fitting: Fitting, options: Options) -> None:
        self._fitting, self._options = fitting, options
        self._partitions = {one.name: one for one in fitting.world.partitions}

    def of(self, option: Option) -> tuple[Change, ...]:
        """Other limits and shapes of an option. One that is refused is compared with nothing: what
        is allowed helps."""
        base = self._base(option)
        if base is None:
            return ()
        return in_order((*self._limits(base), *self._shapes(base)))

    def again(self, change: Change, option: Option, exact: Option) -> Change:
        """A change of the option, when both have been simulated."""
        base = self._base(option)
        if base is None or change.shape is None:
            return change
        if not change.shape.runs_alike:
            exact = replace(exact, finish=NOT_SAID)
        return self._change(replace(base, option=option), change.shape, exact)

    def other_place(self, default: Option, best: Option) -> Iterator[Change]:
        """The best option, where it is not what sbatch makes of the request as it was asked."""
        field, before, after = _difference(default, best)
        if not best.has_start or before == after:
            return
        gain = Gain.of(default, best, "finish", self._fitting.horizon_s)
        qos = f" with QOS {best.request.qos}" if default.request.qos != best.request.qos else ""
        what = f"QOS {after}" if field == "qos" else f"{field.replace('_', ' ')} {after}{qos}"
        said = f"Use {what} in place of {before or 'none'}: {gain.words}."
        yield Change(
            field, before, after, best, "finish", gain.gain_s, gain.helps, None, said, size=0.0
        )

    def _base(self, option: Option) -> _Base | None:
        fitting, partition = self._fitting, self._partitions[option.partition]
        try:
            probe = fitting.probe(option.request, option.partition)
        except ValueError:
            return None  # it cannot be simulated, in whatever shape
        run = fitting.run(option.request, probe)
        limit_s = fitting.record(probe).limit_s
        if option.allowed:
            fitted = option.told(fitting.fits(option.request, option.partition).spread())
            option = fitted if option.approximate else _no_later(fitted, option)
        return _Base(option, partition, run, limit_s)

    def _limits(self, base: _Base) -> Iterator[Change]:
        request, partition = base.option.request, base.partition
        if not isfinite(base.limit_s):
            return
        before = round(base.limit_s / 60)
        longest_minutes = longest_s(self._fitting.world, partition, request) / 60
        minutes = shapes.limits(before, longest_minutes, base.run)
        if not minutes:
            return
        limits_s = [60.0 * limit for limit in minutes]
        asked = replace(request, limit_minutes=minutes[0])  # allowed, where its own may not be
        fits = self._fits(asked, base, limits_s)
        for place, limit_minutes in enumerate(minutes):
            changed = replace(request, limit_minutes=limit_minutes)
            option = self._options.untimed(partition, changed, run=base.run)
            if option.allowed:
                shape = Shape("limit_minutes", before, limit_minutes, changed, base.gain_of, "")
                yield self._change(base, shape, option.told(fits.spread(place)))

    def _shapes(self, base: _Base) -> Iterator[Change]:
        for shape in shapes.shapes(base.option.request):
            option = self._options.untimed(base.partition, shape.request, run=base.run)
            if not option.allowed:
                continue
            option = option.told(self._fits(shape.request, base).spread())
            if shape.runs_alike:
                yield self._change(base, replace(shape, gain_of=base.gain_of), option)
            else:  # how long it runs in that shape nobody knows
                yield self._change(base, shape, replace(option, finish=NOT_SAID))

    def _fits(
        self,
        request: Request,
        base: _Base,
        limits_s: list[float] | None = None,
    ) -> Fits:
        return self._fitting.fits(request, base.option.partition, limits_s=limits_s, run=base.run)

    def _change(self, base: _Base, shape: Shape, option: Option) -> Change:
        p_killed, lost_s = None, 0.0
        if shape.field == "limit_minutes":
            limit_s = 60.0 * shape.after
            p_killed = base.run.p_killed(limit_s)
            lost_s = base.run.lost_s(limit_s, option.p50_s or 0.0)
        horizon_s = self._fitting.horizon_s
        gain = Gain.of(base.option, option, shape.gain_of, horizon_s, lost_s=lost_s)
        return Change(
            field=shape.field,
            before=shape.before,
            after=shape.after,
            option=option,
            gain_of=shape.gain_of,
            gain_s=gain.gain_s,
            helps=gain.helps,
            p_killed=p_killed,
            sentence=said(shape, gain, p_killed),
            size=shape.size,
            shape=shape,
        )


def _no_later(fitted: Option, simulated: Option) -> Option:
    starts = [at_s for at_s in (fitted.p50_s, simulated.p50_s) if at_s is not None]
    ends = [at_s for at_s in (fitted.finish.p50_s, simulated.finish.p50_s) if at_s is not None]
    finish = replace(fitted.finish, p50_s=min(ends, default=None))
    return replace(fitted, p50_s=min(starts, default=None), finish=finish)


def _difference(default: Option, best: Option) -> tuple[Field, str | None, str | None]:
    one, other = default.request, best.request
    if default.partition != best.partition:
        return "partition", default.partition, best.partition
    if one.qos != other.qos:
        return "qos", one.qos, other.qos
    return "gpu_type", one.gpu_type, other.gpu_type
