"""The packing engine: which nodes a gang gets, and nothing else.

It knows numbers only. It may not know tenants, quotas, names or reasons, look at a clock, a file (but the library it is given the
path of) or the environment, log, or remember anything from one round to the next.
"""
