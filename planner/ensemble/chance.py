"""Chance tied to names: a job's draw depends on seed, replica and its key, and on nothing else.

So a new look at an unchanged queue draws the same futures, and two worlds that differ in one job
differ by that job alone (common random numbers).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from planner.sim.jobs import Key

FloatArray = NDArray[np.float64]
Hashes = NDArray[np.uint64]

STRATA = 16
# Jobs of a sweep run alike. On two campaigns of a real Slurm that had not been seen before, 89 and
# 78 % of starts came before P90 with this, 86 and 75 % when each job drew for itself, and the mean
# quantile loss fell by 5 %; other shares were not tried. On KTH's log two jobs of a sweep that wait
# or run at once ended within a tenth of each other's distribution in 52 % of cases, within three
# tenths in 76 %: drawn so in 58 and 75 %, drawn apart in 19 and 51 %.
ALIKE = 0.7


def hashes(keys: Iterable[Key]) -> Hashes:
    """64 bits a key, the same in every process."""
    digests = b"".join(blake2b(repr(key).encode(), digest_size=8).digest() for key in keys)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def uniforms(of: Hashes, seed: int, replicas: range) -> FloatArray:
    """Within (0, 1), of shape (keys, replicas).

    Stratified (a Latin hypercube): STRATA replicas of a key have one draw in each of as many equal
    parts, in an order that differs from key to key, so that few replicas tell more.
    """
    first = replicas.start // STRATA
    blocks = [_block(of, seed, block) for block in range(first, -(-replicas.stop // STRATA))]
    if not blocks:
        return np.empty((of.size, 0))
    offset = replicas.start - first * STRATA
    return np.concatenate(blocks, axis=1)[:, offset : offset + len(replicas)]


def alike(of: Hashes, groups: Hashes, seed: int, replicas: range) -> FloatArray:
    """As ``uniforms`` of each key, but a share ALIKE of a group's keys, others in each replica, has
    the same number: what one of them does the others mostly do as well.
    """
    own, together = uniforms(of, seed, replicas), uniforms(groups, seed, replicas)
    is_alike = uniforms(_mixed(of ^ _mixed(groups)), seed, replicas) < ALIKE
    return np.where(is_alike, together, own)


def _block(of: Hashes, seed: int, block: int) -> FloatArray:
    streams = hashes((seed, block * STRATA + place) for place in range(STRATA))
    bits = _mixed(of[:, np.newaxis] ^ _mixed(streams))
    stratum = bits.argsort(axis=1).argsort(axis=1)
    within = ((_mixed(bits) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return (stratum + within) / STRATA


def _mixed(bits: Hashes) -> Hashes:
    """The finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
