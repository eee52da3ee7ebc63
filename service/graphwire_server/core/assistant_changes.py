"""How an assistant changes, and what it brings to its runs.

Owns what a new version is, and how a request for a run is laid over its assistant's configuration. Pure. The invariant: `config.configurable` and the context are two
forms of one thing, since nodes see each as both (wire fact 72); so where one is set, the other is not there with something else in it.
"""

from dataclasses import replace
from datetime import datetime

from graphwire_server.core.assistant_store import AssistantChange
from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import Assistant, JsonObject, RunConfig, RunSpec
from graphwire_server.core.spec import check_config


def check_parts(config: RunConfig, context: JsonObject | None) -> None:
    """Raises InvalidField where an assistant cannot have such a configuration. One that says the same in both forms is taken, since it may have been read here."""
    check_config(config, None if context == config.configurable else context)


def check_text(field: str, text: str) -> str:
    """The text of a name or a description. Raises InvalidField where UTF-8 cannot say it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidField(field, "has half of a surrogate pair; it must be text that UTF-8 can say") from None
    return text


def changed(assistant: Assistant, change: AssistantChange, version: int, now: datetime) -> Assistant:
    """The new version of an assistant.

    Args:
        assistant: The version that runs.
        change: What is otherwise.
        version: Its number.
        now: When it is made.
    """
    config = assistant.config if change.config is None else change.config
    context = assistant.context if change.context is None else change.context
    if change.context is None and config.configurable:
        context = context if context == config.configurable else None
    elif change.config is None and context:
        config = config if context == config.configurable else replace(config, configurable=None)
    return replace(
        assistant,
        graph_id=assistant.graph_id if change.graph_id is None else change.graph_id,
        name=assistant.name if change.name is None else change.name,
        description=assistant.description if change.description is None else change.description,
        config=config,
        context=context,
        metadata={**assistant.metadata, **change.metadata},
        version=version,
        updated_at=now,
    )


def configured(spec: RunSpec, assistant: Assistant) -> RunSpec:
    """A request for a run over what its assistant brings (wire fact 75)."""
    config = _merge(assistant.config, spec.config)
    base, over = _settings(assistant.config, assistant.context), _settings(spec.config, spec.context)
    settings = {**base, **over}
    as_context = bool(spec.context) if over else assistant.context is not None
    return replace(
        spec,
        config=replace(config, configurable=None if as_context else settings or None),
        context=settings if as_context else spec.context,
        inherited=assistant.metadata,
    )


def _settings(config: RunConfig, context: JsonObject | None) -> JsonObject:
    return config.configurable or context or {}


def _merge(base: RunConfig, over: RunConfig) -> RunConfig:
    """A run's configuration over its assistant's: scalars replace, maps merge key by key, tags add up (wire fact 75)."""
    return RunConfig(
        tags=tuple(dict.fromkeys((*base.tags, *over.tags))),
        recursion_limit=over.recursion_limit if over.recursion_limit is not None else base.recursion_limit,
        metadata={**(base.metadata or {}), **(over.metadata or {})} or None,
        max_concurrency=over.max_concurrency if over.max_concurrency is not None else base.max_concurrency,
        run_name=over.run_name or base.run_name,
    )
