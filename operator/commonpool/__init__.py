"""commonpool: one shared pool of accelerators for many tenants."""
