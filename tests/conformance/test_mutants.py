"""The suites are tested themselves: each catches adapters that break one promise, and passes the unbroken one."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from towpath import conformance

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
        "AltersOutsideTheTransaction": "test_a_column_that_was_added_goes_with_the_transaction",
        "ForgetsWhatIsRequired": "test_a_table_tells_which_columns_need_a_value_and_which_take_none",
        "CollectsTheQuery": "test_a_query_streams_in_batches_of_the_asked_size",
    },
    "queues": {
        "MakesWhatItLooksFor": "test_looking_for_a_topic_does_not_make_it",
        "TakesAnExistingTopic": "test_making_a_topic_that_is_there_is_a_conflict",
        "EmptyIsNull": "test_messages_come_back_as_they_were_sent",
        "ForgetsHeaders": "test_messages_come_back_as_they_were_sent",
        "LosesTheLast": "test_a_key_stays_in_one_partition_and_in_order",
        "CollectsTheTopic": "test_only_a_few_batches_are_alive_at_once",
        "ReadsToTheEnd": "test_reading_ends_where_it_was_to_end",
        "CommitsAtOnce": "test_messages_are_invisible_until_the_commit_and_then_all_there",
        "CommitsOnLeaving": "test_leaving_without_commit_aborts",
        "NeverFences": "test_of_two_transactions_with_one_id_only_the_later_can_commit",
    },
    "tables": {
        "AddsColumnsTooEarly": "test_a_missing_column_is_added_by_the_publishing_alone",
        "LetsTheLastSqlFail": "test_sql_that_fails_rolls_all_back_and_is_named[after]",
        "RunsTheFirstSqlTooEarly": "test_a_load_that_fails_leaves_the_columns_as_they_were",
        "LeavesWhatShouldMakeWay": "test_rows_make_way_in_the_act_that_publishes[append]",
        "CountsNoneThatMadeWay": "test_rows_make_way_in_the_act_that_publishes[append]",
        "OverlooksOtherChanges": "test_a_column_that_another_added_meanwhile_is_a_conflict",
        "NeverFreezes": "test_a_frozen_table_refuses_a_new_column_by_name",
    },
    "engines": {
        "DropsNullRowsUncounted": "test_a_condition_counts_what_it_leaves_out_and_null_is_not_true",
        "NullIsTrue": "test_a_condition_counts_what_it_leaves_out_and_null_is_not_true",
        "CountsBeforeItFilters": "test_a_condition_counts_what_it_leaves_out_and_null_is_not_true",
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
        "CommitsTheCheckpointFirst": "test_a_run_that_dies_anywhere_in_publish_leaves_the_old_or_the_new",
        "CommitsTheCheckpointLater": "test_a_run_that_dies_anywhere_in_publish_leaves_the_old_or_the_new",
        "CountsWhatItWasGiven": "test_merge_counts_inserted_updated_and_unchanged_rows",
    },
    "records": {
        "Float32ForDouble": "test_rows_come_back_as_they_were",
        "MinusZeroIsZero": "test_rows_come_back_as_they_were",
        "EmptyTextIsNull": "test_rows_come_back_as_they_were",
        "LosesMicroseconds": "test_rows_come_back_as_they_were",
        "SkipsTombstones": "test_a_tombstone_is_a_row_of_nulls",
        "TombstonesAreBad": "test_a_tombstone_is_a_row_of_nulls",
        "IgnoresWhatIsLeftOver": "test_bytes_that_are_no_record_are_told_and_harm_no_other",
        "OneBadSpoilsAll": "test_bytes_that_are_no_record_are_told_and_harm_no_other",
        "NoRowsNoColumns": "test_no_values_are_no_rows",
    },
}
SERVERS = {"queues": "kafka"}
"""The server that a module of mutants needs."""
MUTANTS = [
    pytest.param(module, name, test, id=name, marks=[pytest.mark.server(SERVERS[module])] if module in SERVERS else [])
    for module, mutants in CAUGHT.items()
    for name, test in mutants.items()
]

Failed = Callable[[str], set[tuple[str, str]]]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Failed:
    """The failed tests of a module of mutants, as class and name: each mutant is given the test that must catch it,
    the unbroken adapter all of these. They run in a process of their own, once."""

    @cache
    def run(module: str) -> set[tuple[str, str]]:
        folder = tmp_path_factory.mktemp("mutants")
        report = folder / "report.xml"
        wanted = {*CAUGHT[module].items(), *(("Unbroken", test) for test in CAUGHT[module].values())}
        nodes = [f"{HERE / 'mutants' / module}.py::Test{name}::{test}" for name, test in sorted(wanted)]
        command = [sys.executable, "-m", "pytest", f"--junitxml={report}", f"--basetemp={folder / 'run'}", *nodes]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)
        cases = list(ElementTree.parse(report).iter("testcase"))
        assert len(cases) == len(wanted), done.stdout
        return {_test(case) for case in cases if case.find("failure") is not None}

    return run


def _test(case: ElementTree.Element) -> tuple[str, str]:
    return case.get("classname", "").rpartition(".Test")[2], case.get("name", "")


@pytest.mark.parametrize(("module", "name", "test"), MUTANTS)
def test_a_broken_adapter_is_caught_where_the_unbroken_one_passes(
    failed: Failed, module: str, name: str, test: str
) -> None:
    assert (name, test) in failed(module)
    assert ("Unbroken", test) not in failed(module)


@pytest.mark.parametrize("module", CAUGHT)
def test_every_mutant_says_what_catches_it(module: str) -> None:
    tree = ast.parse((HERE / "mutants" / f"{module}.py").read_text("utf-8"))
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test")}
    assert classes == {"TestUnbroken", *(f"Test{name}" for name in CAUGHT[module])}


def test_every_suite_has_five_mutants_at_least() -> None:
    suites = {name.removesuffix("Suite").lower() + "s" for name in conformance.__all__} - {"s"}
    assert suites == set(CAUGHT)
    assert {module: len(mutants) for module, mutants in CAUGHT.items() if len(mutants) < 5} == {}
