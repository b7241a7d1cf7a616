from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from towpath import history
from towpath.errors import UserError
from towpath.pipeline.run import run_pipeline, total
from towpath.receipt import Receipt

SHOP = """\
    pipeline: shop
    connections: {shop: "duckdb:///build/shop.duckdb"}
    steps:
      totals:
        from: shop#orders
        sql: select customer, sum(amount) as amount from input group by customer
        to: totals.csv
        mode: replace
      orders:
        from: orders.csv
        rules: [{range: {amount: [0, null]}}]
        to: shop#orders
        mode: merge
        key: id
      customers: {from: customers.csv, to: customers.jsonl, mode: replace}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "build").mkdir()
    (tmp_path / "tow.yaml").write_text(dedent(SHOP))
    (tmp_path / "orders.csv").write_text("id,customer,amount\n1,ann,5\n2,bob,7\n3,ann,1\n")
    (tmp_path / "customers.csv").write_text("name\nann\nbob\n")
    return tmp_path / "tow.yaml"


def statuses(receipts: list[Receipt]) -> list[tuple[str | None, str, int]]:
    return [(receipt.step, receipt.status, receipt.rows) for receipt in receipts]


def test_steps_run_in_the_order_of_their_data_and_each_end_is_told(shop: Path) -> None:
    ended: list[Receipt] = []
    receipts = run_pipeline(shop, ended=ended.append)
    expected = [("shop/orders", "done", 3), ("shop/totals", "done", 2), ("shop/customers", "done", 2)]
    assert statuses(receipts) == expected
    assert ended == receipts
    assert sorted((shop.parent / "totals.csv").read_text().splitlines()) == ["ann,6", "bob,7", "customer,amount"]
    assert {one.step for one in history.latest(9)} == {"shop/orders", "shop/totals", "shop/customers"}


def test_a_second_run_moves_nothing_and_says_why(shop: Path) -> None:
    run_pipeline(shop)
    receipts = run_pipeline(shop)
    assert [(one.status, one.rows) for one in receipts] == [("unchanged", 0)] * 3
    assert all(one.why for one in receipts)


def test_a_run_from_another_folder_goes_on_from_the_same_checkpoint(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.parent)
    run_pipeline(Path("tow.yaml"))
    monkeypatch.chdir("/")
    assert {one.status for one in run_pipeline(shop)} == {"unchanged"}


def test_only_what_changed_and_what_reads_it_runs_again(shop: Path) -> None:
    run_pipeline(shop)
    (shop.parent / "orders.csv").write_text("id,customer,amount\n1,ann,5\n2,bob,8\n3,ann,1\n4,cy,1\n")
    receipts = run_pipeline(shop)
    assert [one.status for one in receipts] == ["done", "done", "unchanged"]
    assert (receipts[0].inserted, receipts[0].updated, receipts[0].unchanged) == (1, 1, 2)


def test_a_step_that_stops_takes_only_those_that_need_it_with_it(shop: Path) -> None:
    (shop.parent / "orders.csv").write_text("id,customer,amount\n1,ann,-5\n")
    receipts = run_pipeline(shop)
    assert [one.status for one in receipts] == ["stopped", "stopped", "done"]
    assert "orders.csv:2" in receipts[0].why
    assert receipts[1].why == "not run: it needs orders"
    assert not (shop.parent / "totals.csv").exists()


def test_bad_rows_go_to_the_folder_given_for_the_run(shop: Path) -> None:
    (shop.parent / "orders.csv").write_text("id,customer,amount\n1,ann,-5\n2,bob,7\n")
    receipts = run_pipeline(shop, ["orders"], bad_rows=str(shop.parent / "bad"))
    assert (receipts[0].rows, receipts[0].set_aside) == (1, 1)
    assert any((shop.parent / "bad").iterdir())


def test_a_chosen_step_runs_alone(shop: Path) -> None:
    assert statuses(run_pipeline(shop, ["customers"])) == [("shop/customers", "done", 2)]


def test_a_reference_that_is_not_set_stops_its_step_alone(shop: Path) -> None:
    shop.write_text(shop.read_text().replace("customers.csv", "'${env:TOW_TEST_NONE}/c.csv'"))
    assert [one.status for one in run_pipeline(shop)] == ["done", "done", "stopped"]


def test_a_wrong_file_runs_nothing(shop: Path) -> None:
    shop.write_text(shop.read_text().replace("mode: merge", "mode: marge"))
    with pytest.raises(UserError, match="did you mean 'merge'"):
        run_pipeline(shop)
    assert not (shop.parent / "customers.jsonl").exists()


def test_the_total_counts_steps_by_their_end(shop: Path) -> None:
    line = total(run_pipeline(shop), 1.5)
    assert line.startswith("3 steps: 3 done; 7 rows in 1.50 s")


def test_a_named_connection_is_a_table_too_and_append_from_it_needs_a_cursor(shop: Path) -> None:
    shop.write_text(
        "pipeline: p\nconnections: {w: 'duckdb:///w.duckdb'}\nsteps:\n"
        "  a: {from: orders.csv, to: w#t, mode: replace}\n  b: {from: w#t, to: o.csv, mode: append}\n"
    )
    stopped = run_pipeline(shop)[1]
    assert (stopped.status, "append from a table needs a cursor" in stopped.why) == ("stopped", True)


def test_a_query_that_was_changed_and_accepted_is_run_although_its_input_is_as_it_was(shop: Path) -> None:
    run_pipeline(shop)
    shop.write_text(shop.read_text().replace("sum(amount)", "max(amount)"))
    assert [one.status for one in run_pipeline(shop, ["totals"])] == ["stopped"]
    assert [one.status for one in run_pipeline(shop, ["totals"], accept_plan=True)] == ["done"]
    assert sorted((shop.parent / "totals.csv").read_text().splitlines()) == ["ann,5", "bob,7", "customer,amount"]


@pytest.mark.parametrize("to", ["t.csv", "t/", "duckdb:///t.duckdb#t", "sqlite:///t.sqlite#t"])
def test_a_plan_that_was_accepted_once_is_not_asked_about_again(shop: Path, to: str) -> None:
    text = "pipeline: p\nsteps: {{a: {{from: orders.csv, to: '{}', mode: append{}}}}}\n"
    shop.write_text(text.format(to, ""))
    assert run_pipeline(shop)[0].status == "done"
    shop.write_text(text.format(to, ", where: amount > 0"))
    assert run_pipeline(shop)[0].status == "stopped"
    assert run_pipeline(shop, accept_plan=True)[0].status == "unchanged"
    assert run_pipeline(shop)[0].status == "unchanged"


def test_a_stopped_step_is_named_once(shop: Path) -> None:
    run_pipeline(shop)
    shop.write_text(shop.read_text().replace("sum(amount)", "max(amount)"))
    receipt = run_pipeline(shop, ["totals"])[0]
    assert str(receipt).count("shop/totals") == 1
    assert receipt.what().startswith("the step was changed")


def test_one_step_and_one_row_are_counted_in_the_singular() -> None:
    assert total([Receipt("r", "a", "b", "append", status="done", rows=1)], 1.0) == "1 step: 1 done; 1 row in 1.00 s"
