"""Benchmarks of the whole way and of the planner alone.

They measure what is shipped and change nothing in it: no switch of the product is only for them. Each answers
plain data; `cli.bench` prints it.
"""
