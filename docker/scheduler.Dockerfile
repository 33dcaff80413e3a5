# The pool's scheduler: stock kube-scheduler with the CommonPool plugin. Built from the repository's root:
#   docker build -f docker/scheduler.Dockerfile -t commonpool/scheduler:0.1.0 .
ARG GO_IMAGE=golang:1.26.8-bookworm

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY scheduler/go.mod scheduler/go.sum ./
RUN go mod download
COPY scheduler .
# The version is Kubernetes's own: clients and metrics ask which scheduler this is. The same flags as the local control plane's.
RUN CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -o /out/kube-scheduler -ldflags="-s -w \
      -X k8s.io/component-base/version.gitVersion=v1.37.1 \
      -X k8s.io/component-base/version.gitMajor=1 \
      -X k8s.io/component-base/version.gitMinor=37" ./cmd/kube-scheduler

# A static binary needs nothing beside it: the cluster's certificate authority and its token are mounted, time zones and names are not asked for.
FROM scratch
LABEL org.opencontainers.image.title="commonpool scheduler" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/kube-scheduler /usr/local/bin/kube-scheduler
USER 65532:65532
EXPOSE 10259
ENTRYPOINT ["/usr/local/bin/kube-scheduler"]
