"""Which QOS a user may ask for, as accounting has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tracker.slurm.records import Association

UNNAMED = "normal"  # the QOS that Slurm makes at its birth, and takes where no default is set


@dataclass(frozen=True, slots=True)
class Right:
    """Of one association."""

    qos: tuple[str, ...] = ()
    default_qos: str | None = None

    @property
    def default(self) -> str | None:
        """What a job gets that names none. Source: assoc_mgr_fill_in_qos and its callers."""
        if self.default_qos:
            return self.default_qos
        if len(self.qos) == 1:
            return self.qos[0]
        return UNNAMED if UNNAMED in self.qos else None


@dataclass(frozen=True, slots=True)
class Rights:
    """Of everyone. Where an association is not known, so are its rights."""

    _of: Mapping[tuple[str, str], Right] = field(default_factory=dict)

    @classmethod
    def of(cls, associations: Iterable[Association], cluster: str | None = None) -> Rights:
        """``cluster``: its name in accounting; None: all rows are of one cluster.

        sacctmgr shows with each user what it has from the accounts above. Of rows for a single
        partition the QOS count together: which partition they are for is not looked at.
        """
        found: dict[tuple[str, str], Right] = {}
        for row in associations:
            if row.user is None or cluster not in (None, row.cluster):
                continue
            known = found.get((row.account, row.user), Right())
            found[row.account, row.user] = Right(
                tuple(dict.fromkeys((*known.qos, *row.qos))),
                row.default_qos if row.partition is None else known.default_qos,
            )
        return cls(found)

    def right(self, account: str, user: str) -> Right:
        return self._of.get((account, user), Right())
