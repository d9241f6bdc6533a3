from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from trading.benchmarks.oracle.compare import Compared
from trading.benchmarks.oracle.known import FIRST_SEED, known, processes, two_accounts


def _comparison(seed: int) -> Compared:
    return Compared(seed=seed, best=1.0, lowest=1.0, objective=1.0, priced=1.0, bound=1.0, proven=True)


def _every_third_unproven(seed: int) -> tuple[Compared, ...] | None:
    return None if seed % 3 == 0 else (_comparison(seed), _comparison(-seed))


def _never_proven(seed: int) -> tuple[Compared, ...] | None:
    return None


def test_households_without_a_proof_are_counted_and_others_looked_at_in_their_place():
    with ThreadPoolExecutor(2) as executor:
        found = known(_every_third_unproven, 8, executor)
    seeds = [seed for seed in range(FIRST_SEED, FIRST_SEED + 20) if seed % 3][:8]
    assert [one.seed for one in found.usual] == seeds
    assert [one.seed for one in found.exact] == [-seed for seed in seeds]
    assert found.unproven == sum(seed % 3 == 0 for seed in range(FIRST_SEED, seeds[-1] + 1))


def test_where_nothing_is_proven_the_search_ends_at_twice_as_many():
    with ThreadPoolExecutor(2) as executor:
        found = known(_never_proven, 5, executor)
    assert (found.compared, found.unproven) == ([], 10)


def test_other_processes_find_what_this_one_finds():
    with processes() as executor:
        found = known(two_accounts, 2, executor)
    assert found.compared == [two_accounts(one.seed) for one in found.usual]
