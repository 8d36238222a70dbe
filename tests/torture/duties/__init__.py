"""What the workers of a torture run do, and what is done to them: an app that IRONFORGE_HANDLERS names.

It reads its orders from the environment: TORTURE_LEDGER (where to write what happened), TORTURE_CLOCK (how far the
clock has jumped) and TORTURE_LUA (scripts with one safety switched off). The product knows none of them.
"""
