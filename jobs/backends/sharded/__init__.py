"""A namespace that is spread over several shards: each asker made of those of the shards."""

from jobs.backends.sharded.feed import ShardedFeed
from jobs.backends.sharded.inspector import ShardedInspector
from jobs.backends.sharded.operator import ShardedOperator
from jobs.backends.sharded.producer import ShardedProducer

__all__ = ["ShardedFeed", "ShardedInspector", "ShardedOperator", "ShardedProducer"]
