"""Runs the pipeline that deploys a release to a stage."""

from collections.abc import Mapping

from belay.observability import Handler
from belay.steps import one_of
from run_pipeline import check_pipeline, start_pipeline

STEPS: Mapping[str, Handler] = {"check_pipeline": check_pipeline.handler, "start_pipeline": start_pipeline.handler}

handler = one_of(STEPS)
