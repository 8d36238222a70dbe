"""The graphs of a run: random, of up to 30 steps, under every policy, and some of them grow while they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.torture.maker import Maker
from tests.torture.plans import BULK_QUEUE, DEFAULT, REMOTE_QUEUE, SPLIT, GraphPlan, JobPlan, NodePlan, Step

POLICIES = ("cancel", "continue", "wait")
SIZES = (2, 4, 6, 9, 14, 22)
MAX_STEPS, MAX_PARENTS, MAX_ADDED = 30, 4, 5
_KINDS = {
    "ok": 50, "flaky": 10, "bad": 7, "discard": 2, "crash": 2, "long": 4, "child": 5, "remote": 10, "push": 5,
    "purged": 5,
}  # fmt: skip


def graph_steps(make: Maker, at_ms: int, ns: str, *, is_batch: bool = False) -> Iterator[Step]:
    """Yield the request for a graph, or for a batch, perhaps under a key and again, and what is done with it later."""
    chance = make.chance
    graph = _graph(make, ns, is_batch=is_batch)
    key = f"key-{graph.gid}" if chance.random() < 0.5 else None
    jobs = tuple(node.job for node in graph.nodes)
    yield Step(at_ms, "workflow", ns, jobs, key, of=graph.gid, graph=graph)
    if key and chance.random() < 0.5:
        yield Step(at_ms + chance.choice((0, 300, 2500)), "workflow", ns, jobs, key, of=graph.gid, graph=graph)
    if chance.random() < 0.15:
        yield Step(at_ms + chance.randint(100, 2500), "workflow_cancel", ns, of=graph.gid)
    if chance.random() < 0.3:
        yield Step(at_ms + chance.randint(1500, 7000), "workflow_retry", ns, of=graph.gid)


def _graph(make: Maker, ns: str, *, is_batch: bool) -> GraphPlan:
    chance, gid = make.chance, make.cid()
    size = chance.choice(SIZES)
    nodes: list[NodePlan] = []
    for number in range(size):
        some = chance.randint(0, min(number, MAX_PARENTS)) if not is_batch else 0
        parents = chance.sample([node.name for node in nodes], some)
        nodes.append(NodePlan(f"n{number}", _job(make, ns), tuple(parents), policy=_policy(make)))
    if not is_batch and chance.random() < 0.5:
        _join_all(make, ns, nodes)
    if chance.random() < 0.5:
        _split_one(make, ns, nodes)
    chance.shuffle(nodes)
    return GraphPlan(gid, chance.choice(POLICIES), tuple(nodes), is_told=chance.random() < 0.3)


def _policy(make: Maker) -> str | None:
    return make.chance.choice((None, None, *POLICIES))


def _join_all(make: Maker, ns: str, nodes: list[NodePlan]) -> None:
    """Let one step stand after all that none stands after."""
    parents = {parent for node in nodes for parent in node.after}
    leaves = tuple(node.name for node in nodes if node.name not in parents)
    nodes.append(NodePlan("last", _job(make, ns), leaves, policy=_policy(make)))


def _split_one(make: Maker, ns: str, nodes: list[NodePlan]) -> None:
    """Let one step add others while it runs, most of them before a step that joins them."""
    chance = make.chance
    place = chance.randrange(len(nodes))
    name = nodes[place].name
    added = []
    for number in range(min(chance.randint(1, MAX_ADDED), MAX_STEPS - len(nodes) - 1)):
        after = (name,) if chance.random() < 0.7 else ()
        before = ("join",) if chance.random() < 0.8 else ()
        added.append(NodePlan(f"p{number}", _job(make, ns), after, before, _policy(make)))
    queue = REMOTE_QUEUE if ns == DEFAULT and chance.random() < 0.4 else None
    payload = {"steps": [node.body() for node in added]}
    split = make.job(SPLIT, payload=payload, queue=queue, max_retries=4, ms=chance.choice((0, 50)))
    nodes[place] = NodePlan(name, split, nodes[place].after, policy=nodes[place].policy, adds=tuple(added))
    nodes.append(NodePlan("join", _job(make, ns), (name,), policy=_policy(make)))


def _job(make: Maker, ns: str) -> JobPlan:
    chance = make.chance
    kind = chance.choices(list(_KINDS), list(_KINDS.values()))[0]
    makers: dict[str, Callable[[], JobPlan]] = {
        "flaky": lambda: make.job("torture.fail", payload={"fails": 1}),
        "bad": lambda: make.job("torture.fail", max_retries=chance.choice((0, 1)), payload={"fails": 1000}),
        "discard": lambda: make.job("torture.discard"),
        "crash": lambda: make.job("torture.crash", payload={"crashes": 1}),
        "long": lambda: make.job("torture.ok", ms=chance.randint(1500, 3000)),
        "child": lambda: make.job("torture.child"),
        "remote": lambda: make.plain(queue=REMOTE_QUEUE if ns == DEFAULT else None),
        "push": lambda: make.pushed(*chance.choice((("200",), ("500", "200"), ("410",)))),
        "purged": lambda: make.plain(queue=BULK_QUEUE),
    }
    return makers.get(kind, make.plain)()
