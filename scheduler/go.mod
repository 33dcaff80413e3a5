module commonpool.dev/scheduler

go 1.26.0
