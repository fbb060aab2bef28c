# SPDX-License-Identifier: MIT
"""Jobs on the open model, beside live sliders."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from fakes import BOTH, SPOTS, FakeModelHost
from headless import WAIT, of_type

from latent_explorer.app.engine.events import JobEnded, JobEvent
from latent_explorer.app.exploration import updates
from latent_explorer.app.exploration.intents import Restore, SetAttribute, SetTruncation
from latent_explorer.common.events import Notice, Progress
from latent_explorer.explain.attfind.plan import SearchPlan
from latent_explorer.explain.recipe import SeedBase
from latent_explorer.models.attributes import AttributeSet


def fake_attfind(host: FakeModelHost, monkeypatch, steps: int = 3, hold: threading.Event | None = None):
    """The search replaced by one that yields and finds BOTH; with `hold` it goes on until closed."""

    def attfind(budget, *, plan, classifier_id):
        assert budget() > 0
        n = plan.n
        for i in range(steps):
            yield Progress(i, steps, f"{n} pictures")
        while hold is not None:
            hold.set()
            yield Notice("still at it")
        found = AttributeSet(classifier_id, "attfind-notebook", n, 0.5, "samples", (BOTH,))
        return SimpleNamespace(attribute_set=found)

    monkeypatch.setattr(host, "attfind", attfind)


def test_what_attfind_finds_is_listed_and_kept_in_the_exploration(opened, folder, monkeypatch):
    fake_attfind(opened.host, monkeypatch)
    opened.explorer.start_attfind(SearchPlan(n=7))
    told = opened.settle()
    assert [u.event.done for u in of_type(told, JobEvent)[:3]] == [0, 1, 2]
    assert len(of_type(told, updates.DocumentChanged)) == 1
    assert [a.name for a in opened.explorer.attributes()] == ["both"]
    opened.explorer.save(folder / "mine.exploration")
    opened.open("mine.exploration")
    assert [a.name for a in opened.explorer.attributes()] == ["both"]


def test_sliders_stay_live_during_a_job_and_cancel_ends_it(opened, monkeypatch):
    running = threading.Event()
    fake_attfind(opened.host, monkeypatch, hold=running)
    job = opened.explorer.start_attfind()
    assert running.wait(WAIT)
    opened.explorer.apply(SetAttribute(SPOTS, 0.5))
    while not of_type(opened.updates, updates.MainPicture):
        opened.posted.get(timeout=WAIT)()
    opened.explorer.cancel(job)
    told = opened.settle()
    assert of_type(told, JobEnded)[-1].outcome == "cancelled"
    assert of_type(told, updates.ErrorReport) == []


def test_a_job_that_waits_is_told_at_once(opened, monkeypatch):
    fake_attfind(opened.host, monkeypatch, hold=threading.Event())
    opened.settle()
    job = opened.explorer.start_attfind()
    (queued,) = of_type(opened.updates, updates.JobQueued)
    assert queued == updates.JobQueued(job, opened.explorer.jobs[job])
    opened.explorer.cancel(job)
    assert [u.outcome for u in of_type(opened.settle(), JobEnded)] == ["cancelled"]


def test_opening_another_model_cancels_the_jobs_on_the_old_one(opened, monkeypatch):
    running = threading.Event()
    fake_attfind(opened.host, monkeypatch, hold=running)
    opened.explorer.start_attfind()
    assert running.wait(WAIT)
    told = opened.open("other.explainer")
    assert [u.outcome for u in of_type(told, JobEnded)] == ["cancelled", "finished"]
    assert opened.explorer.summary.model_hash == "b" * 64


def test_a_failed_job_is_told_once(opened, monkeypatch):
    def attfind(budget, *, plan, classifier_id):
        yield Progress(0, 1)
        raise ValueError("odd")

    monkeypatch.setattr(opened.host, "attfind", attfind)
    opened.explorer.start_attfind()
    told = opened.settle()
    (trouble,) = of_type(told, updates.ErrorReport)
    assert trouble.failure.kind == "defect"
    assert trouble.operation == "Finding attributes"
    assert "ValueError: odd" in trouble.failure.details
    assert [u.text.split(":")[0] for u in of_type(told, updates.Message)] == ["The search failed"]


def test_closing_during_a_job_leaves_no_thread_and_later_calls_do_nothing(opened, monkeypatch):
    running = threading.Event()
    fake_attfind(opened.host, monkeypatch, hold=running)
    opened.explorer.start_attfind()
    assert running.wait(WAIT)
    opened.explorer.close()
    opened.explorer.close()
    assert not [t for t in threading.enumerate() if t.name == "engine"]
    opened.updates.clear()
    while not opened.posted.empty():
        opened.posted.get()()
    assert opened.updates == []
    opened.explorer.hover(SPOTS)
    opened.explorer.set_grid([SeedBase(1)])
    opened.explorer.set_strip([SeedBase(1)])
    opened.explorer.apply(Restore(opened.explorer.state))
    opened.explorer.apply(SetTruncation(0.5))
    opened.explorer.open_path(opened.folder / "leaf.explainer")
    opened.explorer.set_device("cpu")
    assert opened.explorer.start_attfind() is None
    assert list((opened.folder / "data" / "autosave").iterdir()) == []


def test_a_job_beside_the_model_goes_on_when_another_one_is_opened(opened):
    release = threading.Event()
    done: list[int] = []

    def job(_budget):
        while not release.is_set():
            yield Progress(0, 1, "looking at pictures")
        return 7

    number = opened.explorer.start_job("Checking the pictures", job, done.append)
    assert opened.explorer.jobs == {number: "Checking the pictures"}
    opened.explorer.open_path(opened.folder / "other.explainer")
    while opened.explorer.summary.model_hash != "b" * 64:
        opened.posted.get(timeout=WAIT)()
    release.set()
    told = opened.settle()
    assert of_type(told, JobEnded)[-1].outcome == "finished"
    assert done == [7]
    opened.explorer.close()
    assert opened.explorer.start_job("Late", job, done.append) is None


def test_a_job_is_bound_to_the_model_that_it_was_asked_for(opened):
    began = []

    def job(host, budget):
        began.append(host)
        yield Progress(0, 1)

    asked = opened.explorer.summary.model_hash
    opened.open("other.explainer")
    number = opened.explorer.start_model_job("Writing a.gif", job, began.append, model_hash=asked)
    told = opened.settle()
    (ended,) = of_type(told, JobEnded)
    assert (ended.job, ended.outcome, began) == (number, "failed", [])
    (trouble,) = of_type(told, updates.ErrorReport)
    assert trouble.failure.kind == "user"
    assert "has been closed since" in trouble.failure.message
    opened.explorer.start_model_job("Writing a.gif", job, began.append)
    assert of_type(opened.settle(), JobEnded)[0].outcome == "finished"
    assert len(began) == 2


def test_jobs_and_calls_do_not_run_on_a_model_that_replaced_theirs_unseen(opened):
    """The worker may hold another model than the session, where opening one failed half-way."""
    ran = []
    opened.host._install(opened.host._read_text(opened.folder / "other.explainer"), opened.folder, "cpu")
    opened.explorer.call_model("Opening x.npz", ran.append, ran.append)
    opened.explorer.start_attfind()
    troubles = of_type(opened.settle(), updates.ErrorReport)
    assert not ran
    assert {trouble.failure.kind for trouble in troubles} == {"user"}
