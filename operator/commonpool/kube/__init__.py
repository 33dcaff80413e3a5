"""The only code that talks to the Kubernetes API: what is read becomes a snapshot, what was decided becomes objects.

Nothing here decides who gets what (that is `planner`), looks at a clock by itself or knows kopf (that is `live`).
"""
