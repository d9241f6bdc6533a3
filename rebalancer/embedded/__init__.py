"""Real PostgreSQL and real Valkey for one checkout, and the supervisor of the demo.

Nothing here imports Django: the engines run before there are settings, and after they have failed.
"""
