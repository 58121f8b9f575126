"""Bridges over the gaps between ministack and AWS that matter to Belay: one module per gap, installed from one list.

Each module says which gap it closes and when it can be removed, and has a contract test in ``tests/contract/engine``
that uses boto3 against a running engine: for a new version of ministack it shows what broke and what is no longer
needed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ministack.app

from local.bridges import (
    account_quotas,
    admin,
    blue_green_deployments,
    call_counts,
    change_set_values,
    change_sets,
    database_endpoints,
    database_resources,
    database_restores,
    database_servers,
    databases,
    deleted_creations,
    drift_aware_change_sets,
    early_validation,
    ecs_services,
    ended_executions,
    ended_sessions,
    event_buses,
    event_targets,
    execution_history,
    execution_names,
    execution_timeouts,
    exports,
    faults,
    foreign_objects,
    function_urls,
    heartbeats,
    holds,
    lambda_dead_letters,
    lambda_errors,
    lambda_layers,
    lambda_processes,
    lambda_runtime,
    lambda_workers,
    managed_passwords,
    moto_services,
    nested_change_sets,
    nested_executions,
    nested_stacks,
    object_events,
    parsed_expressions,
    permissions,
    pipeline_resources,
    policy_variables,
    ranged_versions,
    recorded_resources,
    resource_statuses,
    rollback_triggers,
    scripted_answers,
    security_group_rules,
    security_groups,
    service_integrations,
    shared_snapshots,
    simulated_events,
    simulated_policies,
    size_limits,
    stack_descriptions,
    stack_events,
    stack_names,
    state_sizes,
    strict_resources,
    succeed_output,
    task_tokens,
    template_parameters,
    template_urls,
    yaml_definitions,
    yaml_templates,
)


@dataclass(frozen=True)
class Settings:
    """The engine's settings: concurrent invocations, and the seconds that databases and snapshots stay in creating and
    deployments of ECS services in progress; ``databases``, which does not exist yet, is where their data is stored;
    ``layers`` is where engines keep unpacked layers; whether functions start in new interpreters.
    """

    lambda_workers: int
    snapshot_seconds: float
    databases: Path
    layers: Path
    cold_functions: bool


def install(settings: Settings) -> Callable[..., Any]:
    """Install every bridge into this process and return the ASGI application to serve."""
    _install_functions(settings)
    event_targets.install()
    event_buses.install()
    simulated_events.install()
    stack_events.install()
    nested_stacks.install()
    deleted_creations.install()
    object_events.install()
    ranged_versions.install()
    _install_machines()
    yaml_templates.install()
    exports.install()
    rollback_triggers.install()
    change_sets.install()
    drift_aware_change_sets.install()
    early_validation.install()
    change_set_values.install()
    stack_descriptions.install()
    resource_statuses.install()
    stack_names.install()
    template_parameters.install()
    foreign_objects.install()
    template_urls.install()
    nested_change_sets.install()
    strict_resources.install()
    size_limits.install()
    security_groups.install()
    security_group_rules.install()
    moto_services.install()
    _install_databases(settings)
    ecs_services.install(settings.snapshot_seconds)
    _install_delivery()
    policy_variables.install()
    ended_sessions.install()
    permissions.install()
    simulated_policies.install()
    function_urls.install()
    _install_own()
    application: Callable[..., Any] = admin.wrap(ministack.app.app)
    return application


def _install_functions(settings: Settings) -> None:
    lambda_errors.install()
    runtime = lambda_runtime.install()
    lambda_layers.install(settings.layers)
    if not settings.cold_functions:
        lambda_processes.install(runtime)
    lambda_workers.install(settings.lambda_workers)
    lambda_dead_letters.install()


def _install_machines() -> None:
    execution_history.install()
    service_integrations.install()
    yaml_definitions.install()
    parsed_expressions.install()
    succeed_output.install()
    state_sizes.install()
    heartbeats.install()
    task_tokens.install()
    execution_timeouts.install()
    ended_executions.install()
    execution_names.install()
    nested_executions.install()


def _install_own() -> None:
    """What tests call on the engine: it comes before everything that handles a call."""
    faults.install()
    holds.install()
    call_counts.install()


def _install_delivery() -> None:
    pipeline_resources.install()
    blue_green_deployments.install()
    recorded_resources.install()
    scripted_answers.install()


def _install_databases(settings: Settings) -> None:
    account_quotas.install()
    databases.install(settings.snapshot_seconds)
    database_restores.install(settings.snapshot_seconds)
    managed_passwords.install()
    database_servers.install(settings.databases)
    database_endpoints.install(settings.snapshot_seconds)
    database_resources.install()
    shared_snapshots.install()
