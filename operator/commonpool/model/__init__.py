"""What the pool thinks with: frozen facts and decisions, in integers.

Nothing here may know Kubernetes, a clock, a random number, a logger or any
library outside the standard one. Every sequence is sorted by a unique key when
it is built, so that equal facts are equal objects.
"""
