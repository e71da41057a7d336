"""Step Functions: JSONata where MiniStack passes `{% ... %}` on as it stands."""

import concurrent.futures
import contextvars
from typing import Any

from workbench.local_cloud.emulator.patches.targets import module

# Fields of a Distributed Map that may be expressions which give a number.
_LIMITS = ("MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage")


def _is_jsonata(states: Any, state: Any, ctx: Any) -> bool:
    return bool(states._state_query_language(state, ctx) == "JSONata")


def jsonata_parallel() -> None:
    """`Arguments`, `Output` and `Assign` of a Parallel; each branch has its own variables.

    AWS evaluates them, and a variable that a branch assigns stays in it. MiniStack ignores the
    three fields and lets the branches share one context, so that one's task token or retry count
    may show up in the other. The running of branches is written anew; JSONPath stays as it is.
    """
    states = module("services.stepfunctions")
    unpatched = states._run_parallel_branches

    def run_branches(state: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        if not _is_jsonata(states, state, ctx):
            return unpatched(state, raw_input, execution, ctx)
        branch_input = states._apply_jsonata_arguments(state, raw_input, ctx)
        with concurrent.futures.ThreadPoolExecutor(len(state["Branches"])) as pool:
            running = [
                pool.submit(
                    contextvars.copy_context().run,
                    states._run_sub_machine,
                    branch["States"],
                    branch["StartAt"],
                    branch_input,
                    execution,
                    states.copy.deepcopy(ctx),
                )
                for branch in state["Branches"]
            ]
        results = [branch.result() for branch in running]
        return _finished(states, state, raw_input, ctx, results)

    states._run_parallel_branches = run_branches


def _finished(states: Any, state: Any, raw_input: Any, ctx: Any, results: Any) -> Any:
    """A state's output and the name of the next one, when its work gave `results`."""
    output = states._apply_jsonata_output(state, raw_input, ctx, result=results, default=results)
    states._apply_state_assign(state, raw_input, ctx, result=results)
    return output, states._next_or_end(state)


class _ItemSelector(dict[str, Any]):
    """An ItemSelector that is still to be evaluated for each item, with what it may refer to."""

    def __init__(self, template: Any, raw_input: Any, variables: Any):
        super().__init__(pending=True)
        self.template, self.raw_input, self.variables = template, raw_input, variables


def jsonata_distributed_map() -> None:
    """A Distributed Map's `ItemReader`, `Items`, `ItemSelector`, limits, `Output` and `Assign`.

    AWS evaluates them; a child is an execution of its own, with its own input and id in its
    context, and without the variables of its parent. MiniStack passes the expressions on as text
    and gives a child its parent's context. The state is handed on with its fields evaluated.
    """
    states = module("services.stepfunctions")
    run_items, run_branch = states._run_map_items, states._run_sub_machine
    resolve = states._resolve_params_obj

    def run_all_items(state: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        processor = state.get("ItemProcessor") or {}
        distributed = (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED"
        if not (distributed and _is_jsonata(states, state, ctx)):
            return run_items(state, raw_input, execution, ctx)
        evaluated, effective = _evaluated_map(states, state, raw_input, ctx)
        child_ctx = ctx | {"variables": {}}
        results, _ = states._run_distributed_map(
            evaluated, raw_input, effective, processor, execution, child_ctx
        )
        return _finished(states, state, raw_input, ctx, results)

    def resolve_or_evaluate(template: Any, data: Any, ctx: Any = None) -> Any:
        if not isinstance(template, _ItemSelector):
            return resolve(template, data, ctx)
        item_ctx = (ctx or {}) | {"variables": template.variables}
        return states._apply_jsonata_template(template.template, template.raw_input, item_ctx)

    def run_child(definition: Any, start_at: Any, value: Any, execution: Any, ctx: Any) -> Any:
        if execution.get("mapRunArn"):
            ctx["Execution"] = {
                "Id": execution["executionArn"],
                "Input": value,
                "Name": execution["name"],
                "StartTime": execution["startDate"],
            }
            ctx.pop("Map", None)
        return run_branch(definition, start_at, value, execution, ctx)

    states._run_map_items = run_all_items
    states._resolve_params_obj = resolve_or_evaluate
    states._run_sub_machine = run_child


def _evaluated_map(states: Any, state: Any, raw_input: Any, ctx: Any) -> tuple[Any, Any]:
    """The state with its expressions evaluated, and the data that its items are taken from."""

    def evaluate(template: Any) -> Any:
        return states._apply_jsonata_template(template, raw_input, ctx)

    ready = {name: field for name, field in state.items() if name not in ("Output", "Assign")}
    for name in _LIMITS:
        if name in state:
            ready[name] = int(states._jsonata_state_field(state, name, "number", raw_input, ctx))
    if "ItemSelector" in state:
        variables = ctx.get("variables", {})
        ready["ItemSelector"] = _ItemSelector(state["ItemSelector"], raw_input, variables)
    effective = raw_input
    if reader := state.get("ItemReader"):
        ready["ItemReader"] = evaluate(reader)
    elif "Items" in state:
        items = states._jsonata_state_field(state, "Items", "array", raw_input, ctx)
        effective, ready["ItemsPath"] = {"items": items}, "$.items"
    return ready, effective


def jsonata_outputs() -> None:
    """`Output` of Succeed, and of a Choice that falls through to its default.

    AWS evaluates them. MiniStack hands the input on.
    """
    states = module("services.stepfunctions")
    output_path, choose = states._apply_output_path, states._execute_choice

    def apply_output(state: Any, data: Any, ctx: Any = None) -> Any:
        if state.get("Type") == "Succeed" and _is_jsonata(states, state, ctx):
            return states._apply_jsonata_output(state, data, ctx, default=data)
        return output_path(state, data, ctx)

    def choose_with_output(state: Any, raw_input: Any, ctx: Any = None) -> Any:
        if "Default" in state and _is_jsonata(states, state, ctx):
            fallback = {name: state[name] for name in ("Output", "Assign") if name in state}
            fallback |= {"Condition": "{% true %}", "Next": state["Default"]}
            fallback["QueryLanguage"] = "JSONata"
            state = state | {"Choices": [*state.get("Choices", []), fallback]}
        return choose(state, raw_input, ctx)

    states._apply_output_path = apply_output
    states._execute_choice = choose_with_output


def jsonata_timeouts() -> None:
    """`TimeoutSeconds` and `HeartbeatSeconds` of a Task may be expressions.

    AWS evaluates them. MiniStack takes the text for a number and fails. They are evaluated before
    the task runs.
    """
    states = module("services.stepfunctions")
    execute = states._execute_task

    def execute_in_time(state: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
        limits = [name for name in ("TimeoutSeconds", "HeartbeatSeconds") if name in state]
        if limits and _is_jsonata(states, state, ctx):
            state = state | {
                name: states._jsonata_state_field(state, name, "number", raw_input, ctx)
                for name in limits
            }
        return execute(state, raw_input, execution, ctx)

    states._execute_task = execute_in_time
