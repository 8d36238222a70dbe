"""The data plane: submit, submit many and look at a job, as plain ASGI in front of Django in the same process.

It answers plain requests and nothing else. Whatever is unusual about a request's head goes on to the control plane,
which serves the same addresses at its own pace; so the two lanes cannot differ in how they refuse.
"""
