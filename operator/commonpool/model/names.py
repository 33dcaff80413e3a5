"""The names that parts in different languages and policies agree on (docs/architecture.md, Names)."""

GROUP = "commonpool.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
SCHEDULER_NAME = "commonpool"
SYSTEM_NAMESPACE = "commonpool-system"
OPERATOR_ACCOUNT = "commonpool-operator"
SCHEDULER_ACCOUNT = "commonpool-scheduler"
LEASE_NAME = "commonpool-operator"

TENANT_LABEL = f"{GROUP}/tenant"
LISTED_BY_ANNOTATION = f"{GROUP}/listed-by"
POOL_TAINT = f"{GROUP}/pool"
HELD_ANNOTATION = f"{GROUP}/held"

JOB_INDEX_LABEL = "batch.kubernetes.io/job-completion-index"
STATEFULSET_INDEX_LABEL = "apps.kubernetes.io/pod-index"
TEMPLATE_HASH_LABEL = "pod-template-hash"
