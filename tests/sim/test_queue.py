from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.sim.admission import Admission
from planner.sim.fairshare import ShareTree
from planner.sim.queue import Pending, Queue
from tests.sim.worlds import job, nodes, view, world

steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "remove", "reorder", "look"]),
        st.integers(0, 5),  # priority, or which to remove
        st.sampled_from([("p",), ("q",), ("p", "q")]),
        st.integers(0, 3),  # submit time
    ),
    max_size=60,
)


@given(steps)
def test_the_order_is_that_of_a_queue_made_anew(
    steps: list[tuple[str, int, tuple[str, ...], int]],
) -> None:
    of = nodes(8)
    one = world(of, partitions=(view(of), view(of, name="q", priority_tier=2)))
    admission, queue = Admission(one, ShareTree(())), Queue()
    for sequence, (step, number, partitions, submit_s) in enumerate(steps):
        if step == "add":
            asked = job(sequence, partitions=partitions, submit_s=float(submit_s))
            pending = Pending(asked, sequence, None)
            admission.admit(pending)
            for record in pending.records:
                record.priority = number
            queue.add(pending)
        elif step == "remove" and queue.pending:
            queue.remove(list(queue.pending.values())[number % len(queue.pending)])
        elif step == "reorder":
            for pending in queue.pending.values():
                for record in pending.records:
                    record.priority = (record.priority * 3 + number) % 7
            queue.reorder()
        else:
            for_pass = [record for record in queue.for_pass() if not record.pending.left]
            assert for_pass == _anew(queue)
    assert queue.in_order() == _anew(queue)


def _anew(queue: Queue) -> list[object]:
    fresh = Queue()
    for pending in queue.pending.values():
        fresh.add(pending)
    fresh.reorder()
    return list(fresh.in_order())


def test_the_first_in_order_are_of_the_highest_tier_then_priority_then_submitted_first() -> None:
    of = nodes(8)
    one = world(of, partitions=(view(of), view(of, name="q", priority_tier=2)))
    admission, queue = Admission(one, ShareTree(())), Queue()
    for sequence, (key, partition, priority, submit_s) in enumerate(
        [
            ("late", "p", 5, 2.0),
            ("first", "q", 1, 9.0),
            ("early", "p", 5, 1.0),
            ("top", "p", 6, 3.0),
        ]
    ):
        pending = Pending(job(key, partitions=(partition,), submit_s=submit_s), sequence, None)
        admission.admit(pending)
        pending.records[0].priority = priority
        queue.add(pending)
    assert [record.job.key for record in queue.in_order()] == ["first", "top", "early", "late"]
