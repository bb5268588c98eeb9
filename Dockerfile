# syntax=docker/dockerfile:1
# Two images from one base, each built from the root of the repository:
#   docker build --target teashop -t teashop:0.1.0 .      gateway, inference, orders and dispatch
#   docker build --target teastorm -t teastorm:0.1.0 .    the testbed's jobs in a cluster: load, recorder
ARG PYTHON_IMAGE=python:3.13-slim

# --- builds: what must not be in an image (pip, caches, apt) stays here -----------------------------
FROM ${PYTHON_IMAGE} AS build
# A process that is PID 1 ignores SIGSTOP and SIGKILL from its own namespace and has no default
# action for SIGTERM: tini is PID 1, the service is its child.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends tini >/dev/null \
 && install -D -m 755 "$(command -v tini)" /out/tini
# The base may or may not have pip: one venv installs into the other, which stays without.
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/venv
COPY deploy/image/settle /build/settle

FROM build AS build-teashop
COPY requirements/shop.txt /build/
RUN /build/bin/pip --python /opt/venv/bin/python install --quiet --no-cache-dir \
      --disable-pip-version-check --no-compile --require-hashes --only-binary :all: -r /build/shop.txt
COPY services/teashop /build/src/teashop
RUN sh /build/settle /opt/venv /build/src

FROM build AS build-teastorm
COPY requirements/uv.txt requirements/dev.txt /build/
# What load and observe import, at the locked versions: uv holds packages that are only dependencies
# to the constraints' hashes too, which pip does not.
RUN /build/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes \
      --only-binary :all: -r /build/uv.txt \
 && /build/bin/uv pip install --quiet --no-cache --python /opt/venv/bin/python \
      --verify-hashes --only-binary :all: --constraint /build/dev.txt \
      aiohttp locust numpy orjson prometheus-client psutil pyarrow requests
COPY services/teashop/resilience /build/src/teashop/resilience
COPY services/teashop/catalog /build/src/teashop/catalog
COPY services/teashop/serving/__init__.py services/teashop/serving/slices.py /build/src/teashop/serving/
COPY services/teashop/__init__.py services/teashop/py.typed /build/src/teashop/
COPY src/teastorm /build/src/teastorm
RUN sh /build/settle /opt/venv /build/src

# --- what runs ----------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS run
COPY --from=build /out/tini /usr/bin/tini
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A number, so that runAsNonRoot can be checked without the image's user database.
USER 10001:10001
WORKDIR /tmp

FROM run AS teastorm
LABEL org.opencontainers.image.title="teastorm" \
      org.opencontainers.image.description="The testbed's load and recording as jobs inside a cluster" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-teastorm /opt/venv /opt/venv
ENTRYPOINT ["/usr/bin/tini", "--", "python"]

# The last one is what a build without --target gives.
FROM run AS teashop
LABEL org.opencontainers.image.title="teashop" \
      org.opencontainers.image.description="A milk-tea shop in four services, the system that teastorm tests" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-teashop /opt/venv /opt/venv
EXPOSE 8080
ENTRYPOINT ["/usr/bin/tini", "--", "python", "-m", "teashop.serving.run"]
