# Two images from one file: `--target signer` for the hosts that hold vault keys, `--target server` for API and worker.
# The base is pinned by its tag; pin it by its digest with --build-arg PYTHON=python:3.13-slim-bookworm@sha256:...
ARG PYTHON=python:3.13-slim-bookworm

FROM ${PYTHON} AS build
SHELL ["/bin/sh", "-eux", "-c"]
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /opt/guard
COPY requirements/runtime.lock requirements/server.lock requirements/
COPY guard guard
# The command: what a package's installer would write, without a build tool.
RUN mkdir bin \
 && printf '%s\n' '#!/opt/guard/venv/bin/python' 'import sys' 'from guard.app.main import main' \
      'if __name__ == "__main__":' '    sys.exit(main())' > bin/guard \
 && chmod 755 bin/guard \
 && python -m compileall -q guard

FROM build AS build-signer
# Everything here is part of what a signer trusts: the short lock, with hashes.
RUN python -m venv venv \
 && venv/bin/pip install --require-hashes --only-binary :all: -r requirements/runtime.lock \
 && venv/bin/pip uninstall --yes pip \
 && rm -rf requirements

FROM build AS build-server
COPY migrations migrations
RUN python -m venv venv \
 && venv/bin/pip install --require-hashes --only-binary :all: -r requirements/server.lock \
 && venv/bin/pip uninstall --yes pip \
 && rm -rf requirements

FROM ${PYTHON} AS base
ENV PATH=/opt/guard/bin:$PATH \
    PYTHONPATH=/opt/guard \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
# Volumes take over who may write from the folders that they are put upon; each process makes a folder of its own below.
RUN install -d -m 1777 /var/lib/guard /var/lib/guard/journal /var/lib/guard/counter
WORKDIR /var/lib/guard
USER 10001:10001
STOPSIGNAL SIGTERM

FROM base AS signer
COPY --from=build-signer /opt/guard /opt/guard
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 \
    CMD ["guard", "health", "signer", "/var/lib/guard/journal/home"]
CMD ["guard", "signer", "run", "/var/lib/guard/journal/home", "--password-file", "/run/secrets/password"]

FROM base AS server
COPY --from=build-server /opt/guard /opt/guard
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 \
    CMD ["guard", "health", "api"]
CMD ["guard", "serve"]
