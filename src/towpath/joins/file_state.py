"""The state of a file destination: a note beside the file, which names what is being published before it is."""

from __future__ import annotations

import contextlib
import json
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from towpath.errors import Conflict, DataError, TowError, Transient
from towpath.interrupted import shielded
from towpath.joins import sealed
from towpath.nouns import State
from towpath.seams.store import SeesThisMachine, Staged, Store


@dataclass(frozen=True, slots=True)
class Intent:
    """What a run is about to publish: `token` recognises its bytes, `state` is to be committed with them."""

    load_id: str
    token: str
    state: State | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The note's content: the committed state of each step, and the intent of a load under way. `dropped` intents hold
    nobody back, but count should their bytes come out after all."""

    steps: Mapping[str, State] = field(default_factory=dict)
    intent: Intent | None = None
    dropped: tuple[Intent, ...] = ()
    version: str | None = None

    @property
    def pending(self) -> tuple[Intent, ...]:
        return self.dropped if self.intent is None else (self.intent, *self.dropped)

    def without(self, intent: Intent) -> Ledger:
        kept = None if self.intent == intent else self.intent
        return replace(self, intent=kept, dropped=tuple(one for one in self.dropped if one != intent))


class FileState:
    """The note `.{name}.tow-state` of one file.

    A load first writes its intent, then publishes, then commits its state and clears the intent. The intent holds
    other runs back from then on, and tells the next run whether a dead one had come to publishing."""

    def __init__(self, store: Store, path: str, shown: str) -> None:
        folder, name = posixpath.split(path)
        self._store = store
        self._path = path
        self._note = posixpath.join(folder, f".{name}.tow-state")
        self._shown = shown

    def committed(self, step: str) -> State | None:
        """The state of a step; published bytes whose state is not committed yet count. Changes nothing."""
        return self._as_published(self._read()).steps.get(step)

    def recover(self, step: str | None) -> State | None:
        """Commits or drops the intent of a dead run. Raises Conflict when its run lives."""
        self._store.sweep(self._path)
        found = self._read()
        with contextlib.ExitStack() as held:
            if found.intent is not None:
                # Taking the load's place beside the file fails while its run lives.
                held.enter_context(self._store.stage(self._path, found.intent.load_id))
            ledger = self._settled(self._as_published(found))
            if ledger != found:
                ledger = self._swap(ledger)
        return None if step is None else ledger.steps.get(step)

    def steps(self) -> list[str]:
        """The steps with a committed state."""
        return sorted(self._as_published(self._read()).steps)

    def put(self, step: str, expected: State | None, new: State | None) -> None:
        """Sets or (None) forgets a step's state. Raises Conflict when it is not the expected one, or while a load is
        being published."""
        ledger = self._as_published(self._read())
        if ledger.intent is not None:
            raise self._conflict(f"the load {ledger.intent.load_id} is being published to it")
        if ledger.steps.get(step) != expected:
            raise self._conflict(f"another run of the step {step} has loaded it")
        steps = {name: state for name, state in ledger.steps.items() if name != step}
        if new is not None:
            steps[step] = new
        self._swap(replace(ledger, steps=steps))

    def publish(
        self, staged: Staged, intent: Intent, expected: State | None, create: bool, check: Callable[[], None]
    ) -> None:
        """Publishes a sealed object and commits the intent's state. `check` raises when the ground changed. An
        interrupt is heard at the end: who had not waited for a request's answer would not know what stands there.

        Raises Conflict, and leaves everything as it was, when another run came before."""
        with shielded():
            self._publish(staged, intent, expected, create, check)

    def _publish(
        self, staged: Staged, intent: Intent, expected: State | None, create: bool, check: Callable[[], None]
    ) -> None:
        ledger = self._as_published(self._read())
        new = intent.state
        if new is not None and _load_of(ledger, new.step) == intent.load_id:
            return
        if ledger.intent not in (None, intent):
            raise self._conflict(f"the load {ledger.intent.load_id} is being published to it")
        if new is not None and ledger.steps.get(new.step) != expected:
            raise self._conflict(f"another run of the step {new.step} has loaded it")
        ledger = self._swap(replace(ledger, intent=intent))
        try:
            if not self._is_out(intent):
                check()
                staged.publish(create=create)
        except BaseException as error:
            # Of a request that found no answer nobody knows yet what comes of it; the next run will.
            sure = isinstance(error, TowError) and not isinstance(error, Transient)
            if sure or not isinstance(self._store, SeesThisMachine):
                with contextlib.suppress(TowError):
                    if not self._is_out(intent):
                        self._swap(ledger.without(intent))
            raise
        try:
            self._swap(_committed(ledger, intent))
        except Conflict:
            # A run that found our bytes published, and our state not yet, has committed it for us.
            if new is not None and _load_of(self._as_published(self._read()), new.step) != intent.load_id:
                raise

    def _as_published(self, ledger: Ledger) -> Ledger:
        """The ledger with the state of the pending intent whose bytes are out, if there is one."""
        return next((_committed(ledger, intent) for intent in ledger.pending if self._is_out(intent)), ledger)

    def _settled(self, ledger: Ledger) -> Ledger:
        """Without an intent that holds others back. Where its run may live elsewhere, or its last request still arrive,
        it is remembered until its run is over for certain."""
        dropped = tuple(one for one in ledger.pending if not self._is_over(one))
        return replace(ledger, intent=None, dropped=dropped)

    def _is_over(self, intent: Intent) -> bool:
        if not isinstance(self._store, SeesThisMachine) or intent.state is None:
            return True
        since = datetime.fromisoformat(intent.state.at).timestamp()
        return self._store.abandoned(self._path, intent.load_id, since)

    def _is_out(self, intent: Intent) -> bool:
        return self._store.published(self._path, intent.token)

    def _read(self) -> Ledger:
        note = self._store.read_note(self._note)
        if note is None:
            return Ledger()
        try:
            raw = sealed.loads(note[0])
            steps = {step: State.loads(json.dumps(state)) for step, state in raw["steps"].items()}
            intent = None if raw["intent"] is None else _intent(raw["intent"])
            dropped = tuple(_intent(one) for one in raw.get("dropped", ()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"this is no state file of tow's ({error})",
                where=self._note,
                todo="restore it, or remove it to load afresh",
                code="state-damaged",
            ) from error
        return Ledger(steps, intent, dropped, note[1])

    def _swap(self, ledger: Ledger) -> Ledger:
        content = None
        if ledger.steps or ledger.pending:
            intent = None if ledger.intent is None else asdict(ledger.intent)
            steps = {step: asdict(state) for step, state in ledger.steps.items()}
            dropped = {"dropped": [asdict(one) for one in ledger.dropped]} if ledger.dropped else {}
            whole = {"steps": steps, "intent": intent, **dropped}
            content = sealed.dumps(whole)
        if content is None and ledger.version is None:
            return ledger
        return replace(ledger, version=self._store.swap_note(self._note, content, ledger.version))

    def _conflict(self, what: str) -> Conflict:
        return Conflict(f"{what} meanwhile; nothing was changed", where=self._shown, todo="run again")


def _intent(raw: Mapping[str, Any]) -> Intent:
    state = raw["state"]
    return Intent(raw["load_id"], raw["token"], None if state is None else State.loads(json.dumps(state)))


def _committed(ledger: Ledger, intent: Intent) -> Ledger:
    state = intent.state
    steps = ledger.steps if state is None else {**ledger.steps, state.step: state}
    return replace(ledger.without(intent), steps=steps)


def _load_of(ledger: Ledger, step: str) -> str | None:
    state = ledger.steps.get(step)
    return None if state is None else state.load_id
