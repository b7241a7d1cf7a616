"""The suites are tested themselves: each catches adapters that break one promise, and passes the unbroken one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).parent

# By the module of the mutants: the class, and a test that must fail for it.
CAUGHT = {
    "stores": {
        "WritesInPlace": "test_staged_bytes_are_invisible_before_publish",
        "CreateOverwrites": "test_create_on_a_name_that_exists_by_then_is_a_conflict",
        "SwapIgnoresExpected": "test_a_note_is_swapped_only_from_the_expected_version",
        "LooksBeforeItSwaps": "test_of_many_swaps_from_one_version_exactly_one_wins",
        "SweepsTheLiving": "test_a_sweep_spares_what_a_living_run_writes",
        "LeavesWhatItDiscards": "test_leaving_without_publish_leaves_nothing",
        "ListsHiddenNames": "test_a_wildcard_leaves_hidden_names_out_and_a_plain_path_does_not",
        "SameVersionForever": "test_a_version_changes_with_the_bytes_and_only_then",
    },
    "formats": {
        "Float32ForDouble": "test_values_come_back_as_they_were[float/double]",
        "EmptyTextIsNull": "test_values_come_back_as_they_were[text/empty-and-null]",
        "DropsTheLastBatch": "test_rows_of_many_batches_keep_their_order",
        "NanosecondsBecomeMicroseconds": "test_values_come_back_as_they_were[timestamp/ns]",
        "MinusZeroIsZero": "test_values_come_back_as_they_were[float/minus-zero]",
        "ClosesTheStream": "test_the_writer_leaves_the_stream_to_its_owner",
        "CollectsTheFile": "test_only_a_few_batches_are_alive_at_once",
        "CountsOneTooFew": "test_a_stream_reads_like_a_local_file",
        "IgnoresTheOrderOfColumns": "test_asked_columns_come_in_the_asked_order",
        "LibraryErrors": "test_bytes_of_no_such_format_are_an_error_of_ours",
        "StaleGap": "test_values_come_back_as_they_were[integer/int64]",
        "Undeclared": "test_values_come_back_as_they_were[bool/bool]",
    },
    "databases": {
        "CommitsInInsert": "test_leaving_without_commit_rolls_back",
        "CommitsOnLeaving": "test_leaving_without_commit_rolls_back",
        "CountsWrongly": "test_an_insert_counts_its_rows",
        "RoundsDecimals": "test_values_come_back_as_they_were[decimal/smallest]",
        "InsertsByPosition": "test_an_insert_goes_by_column_name",
        "PastesValues": "test_values_are_bound_and_never_pasted",
        "QuotesBadly": 'test_quoted_identifiers_keep_every_character[say "so"]',
        "NeverANewVersion": "test_a_version_changes_whenever_rows_change[insert into t values (9)]",
        "CollectsTheQuery": "test_a_query_streams_in_batches_of_the_asked_size",
    },
    "engines": {
        "DropsNullRowsUncounted": "test_a_condition_counts_what_it_leaves_out_and_null_is_not_true",
        "NullIsTrue": "test_a_condition_counts_what_it_leaves_out_and_null_is_not_true",
        "ForgetsPlaces": "test_a_condition_counts_what_it_leaves_out_and_null_is_not_true",
        "ReadsTheFirstBatchOnly": "test_sql_reads_every_batch_of_its_input",
        "CollectsItsInput": "test_a_row_wise_query_holds_only_a_few_batches",
        "LeavesInputsOpen": "test_leaving_early_closes_the_inputs",
    },
    "destinations": {
        "IgnoresTheExpectedState": "test_of_two_loads_from_one_state_the_second_is_a_conflict",
        "PublishesAtFirstWrite": "test_written_rows_are_invisible_until_published",
        "LeavesTemporaryFiles": "test_a_stream_that_fails_half_way_leaves_the_old_rows[replace]",
        "PublishesWhatFailed": "test_a_stream_that_fails_half_way_leaves_the_old_rows[replace]",
        "ForgetsTheState": "test_a_created_destination_holds_the_rows_and_the_state",
        "ClearsInState": "test_what_a_dead_run_left_is_unseen_and_cleared_by_the_next",
        "DestroysBeforeItWrites": "test_written_rows_are_invisible_until_published",
        "PublishesInTwoSteps": "test_a_run_that_dies_anywhere_in_publish_leaves_the_old_or_the_new",
        "CountsWhatItWasGiven": "test_merge_counts_inserted_updated_and_unchanged_rows",
    },
}
MUTANTS = [(module, name, test) for module, mutants in CAUGHT.items() for name, test in mutants.items()]

Failed = Callable[[str], dict[str, list[str]]]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Failed:
    """The names of the failed tests by class, of a module of mutants run in a process of its own, once."""

    @cache
    def run(module: str) -> dict[str, list[str]]:
        report = tmp_path_factory.mktemp("mutants") / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}"]
        subprocess.run(
            [*command, f"--basetemp={report.parent / 'run'}", str(HERE / "mutants" / f"{module}.py")],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.DEVNULL,
            check=False,
        )
        found: dict[str, list[str]] = defaultdict(list)
        for case in ElementTree.parse(report).iter("testcase"):
            name = case.get("classname", "").rpartition(".")[2].removeprefix("Test")
            found[name] += [case.get("name", "")] * any(child.tag in ("failure", "error") for child in case)
        return found

    return run


@pytest.mark.parametrize(("module", "name", "test"), MUTANTS, ids=[f"{name}" for _, name, _ in MUTANTS])
def test_a_broken_adapter_is_caught(failed: Failed, module: str, name: str, test: str) -> None:
    assert test in failed(module)[name]


@pytest.mark.parametrize("module", CAUGHT)
def test_the_unbroken_adapter_passes(failed: Failed, module: str) -> None:
    found = failed(module)
    assert "Unbroken" in found
    assert found["Unbroken"] == []


@pytest.mark.parametrize("module", CAUGHT)
def test_every_mutant_says_what_catches_it(failed: Failed, module: str) -> None:
    assert set(failed(module)) == {"Unbroken", *CAUGHT[module]}
