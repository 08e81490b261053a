# splitdns in a container: docs/container.md says how it is run, and why so.
#
#   docker build -t splitdns .
#
# BASE may be any image of Linux with Python 3.11 or newer, its venv, and setpriv (util-linux). The versions of all
# else come from constraints.txt. Who wants the same base for ever names it by its digest:
# --build-arg BASE=docker.io/library/python:3.13-slim-trixie@sha256:…
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
# A compiler for the accelerator, in this stage only. A base without apt, or without Python's headers, goes without it.
# hadolint ignore=DL3008
RUN ! command -v apt-get >/dev/null \
    || { apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*; }
WORKDIR /src
# Times that do not differ from build to build, in the wheel.
ENV SOURCE_DATE_EPOCH=1767225600
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY splitdns ./splitdns
# Only wheels: no package but this one runs code of its own, or is compiled. The build backend stays behind in
# /tools. Bytecode is made now, for nothing can be written later, and never looks at the time of a file.
RUN python3 -m venv /tools \
    && /tools/bin/pip install --no-cache-dir --only-binary :all: -c constraints.txt setuptools \
    && /tools/bin/pip wheel --no-cache-dir --no-build-isolation --no-deps -w /wheels . \
    && python3 -m venv --without-pip /opt/splitdns \
    && set -- /wheels/*.whl \
    && /tools/bin/pip --python /opt/splitdns/bin/python install --no-cache-dir --no-compile \
        --only-binary :all: -c constraints.txt "$1[dnstap]" \
    && /opt/splitdns/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/splitdns

FROM ${BASE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="splitdns" \
      org.opencontainers.image.description="A split-horizon DNS server for networks behind NAT" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie"
COPY --from=build /opt/splitdns /opt/splitdns
# What it serves until /etc/splitdns is mounted: nothing of its own, and the machine's resolvers for clients inside.
COPY deploy/image/splitdns.yaml /etc/splitdns/splitdns.yaml
# The places of the control socket and of what is kept for the next start, for where nothing is mounted over them.
RUN install -d -o 10053 -g 10053 /run/splitdns \
    && install -d -o 10053 -g 10053 -m 700 /var/cache/splitdns
ENV PATH=/opt/splitdns/bin:$PATH \
    CACHE_DIRECTORY=/var/cache/splitdns \
    SPLITDNS_CONFIG=/etc/splitdns/splitdns.yaml
WORKDIR /etc/splitdns
EXPOSE 53/udp 53/tcp 9153/tcp
USER 10053:10053
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["splitdns", "health"]
ENTRYPOINT ["splitdns"]
CMD ["serve"]
