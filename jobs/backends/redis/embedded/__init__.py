"""The embedded store: a private server for machines where nobody set one up. Knows no Django.

`server.EmbeddedStore` runs it; any process of the same user finds it by `address.locate`, without the rest.
"""
