"""The command line: the only code that prints. It reads the cluster with the caller's own rights and decides nothing."""
