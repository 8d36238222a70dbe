"""The data plane: submit, submit many, look at a job, and the worker protocol, as plain ASGI in front of Django.

It answers plain requests and nothing else. Whatever is unusual about a request's head goes on to the control plane,
which serves the same addresses at its own pace; so the two lanes cannot differ in how they refuse.
"""
