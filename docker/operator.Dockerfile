# The operator. Built from the repository's root:
#   docker build -f docker/operator.Dockerfile -t commonpool/operator:0.1.0 .
# Both bases are Debian bookworm: the engine is linked against the libc that it will meet.
ARG GO_IMAGE=golang:1.26.8-bookworm
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${GO_IMAGE} AS engine
WORKDIR /src
COPY scheduler/go.mod scheduler/go.sum ./
COPY scheduler/packing packing
COPY scheduler/cmd/libpacking cmd/libpacking
RUN CGO_ENABLED=1 go build -mod=readonly -trimpath -buildvcs=false -buildmode=c-shared -ldflags="-s -w" -o /out/libpacking.so ./cmd/libpacking

FROM ${PYTHON_IMAGE} AS packages
COPY requirements.txt /
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --no-deps --only-binary=:all: --require-hashes -r /requirements.txt

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="commonpool operator" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=packages /venv /venv
COPY --from=engine /out/libpacking.so /usr/local/lib/libpacking.so
COPY operator/commonpool /app/commonpool
# The root filesystem is read-only at run time, so the bytecode is written now.
RUN /venv/bin/python -m compileall -q /app /venv/lib
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    COMMONPOOL_LIBPACKING=/usr/local/lib/libpacking.so
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["python", "-m", "commonpool.live"]
