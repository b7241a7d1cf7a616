"""What a checkpoint was made for: the plan's hash counts what was said, not what options there are."""

from __future__ import annotations

import hashlib
import json

from towpath.job import InputSpec, JobSpec, OutputSpec
from towpath.nouns import Mode


def test_only_what_is_no_default_makes_a_plan_another_one() -> None:
    spec = JobSpec({"input": InputSpec("in/*.csv")}, OutputSpec("w#t"), Mode.APPEND, step="p/s")
    said = {"inputs": {"input": {"address": "in/*.csv"}}, "to": {"address": "w#t"}, "mode": "append", "step": "p/s"}
    assert spec.plan_hash() == hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
    assert spec.with_(mode=Mode.CREATE).plan_hash() != spec.plan_hash()
    assert spec.with_(select=("a", "b")).plan_hash() != spec.with_(select=("b", "a")).plan_hash()
    changed = spec.with_(inputs={"input": InputSpec("in/*.csv", timezone="UTC")})
    assert changed.plan_hash() != spec.plan_hash()
